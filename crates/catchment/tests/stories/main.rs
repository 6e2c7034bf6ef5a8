//! Whole-product stories: the stock binary, from outside.

mod accounts;
mod bucket;
mod cluster;
mod crash;
mod feed;
mod first_day;
mod models;
mod refusals;
mod rights;
mod server;
mod serving;
mod support;
mod vendors;
