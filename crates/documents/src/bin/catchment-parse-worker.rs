//! A worker of the parser's sandbox, for programs that do not start themselves again. It serves
//! the process that started it and is of no use by hand.

fn main() {
    catchment_documents::sandbox::run_if_worker();
    std::process::exit(2);
}
