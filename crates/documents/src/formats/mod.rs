//! One module per format: each turns the whole file into [`Text`](catchment_core::Text), within a budget.
