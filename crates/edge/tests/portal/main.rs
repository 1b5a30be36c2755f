//! The portal's doors, asked in-process: rights, cross-site requests, headers, and the worst input of each form.

mod support;

mod audience;
mod pages;
mod segments;
mod sign_in;
mod team;
