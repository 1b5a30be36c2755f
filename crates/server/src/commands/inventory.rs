//! `clarion inventory`: every column that holds personal data, with why, how long, and how it is erased.

use clap::Args;

#[derive(Debug, Args)]
pub struct InventoryArgs {}

pub fn run(_args: &InventoryArgs) {
    print!("{}", clarion_store::privacy::data_inventory_page());
}
