//! Whole-product stories: the stock binary, from outside.

mod bucket;
mod crash;
mod first_day;
mod refusals;
mod support;
