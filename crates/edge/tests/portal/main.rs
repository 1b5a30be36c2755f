//! The portal's doors, asked in-process: rights, cross-site requests, headers, and the worst input of each form.

mod support;
#[path = "../api/people.rs"]
#[expect(dead_code, reason = "the API's tests use its other parts")]
mod people;

mod activity;
mod audience;
mod four_eyes;
mod calendar;
mod copy;
mod invitations;
mod links;
mod pages;
mod passkeys;
mod person;
mod reports;
mod rights;
mod second_factor;
mod sessions;
mod settings;
mod segments;
mod connectors;
mod sftp;
mod sign_in;
mod sign_in_provider;
mod steps;
mod team;
mod voice;
mod webhooks;
