//! The design system: the frame of a page and the handful of parts that every page is made of.

pub mod asset;
pub mod chart;
pub mod chip;
pub mod fault;
pub mod fields;
pub mod figure;
pub mod form;
pub mod icon;
pub mod layout;
pub mod menu;
pub mod said;
pub mod square;
pub mod table;
pub mod when;
pub mod xlsx;
