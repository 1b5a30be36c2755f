//! People as a tenant knows them, and the numbers by which they are reached.

pub mod address;
