//! `catchment ask`: answers a question from what was imported.

use std::io::Write;

use catchment_ask::{Answer, Mode, Piece, Question};
use catchment_core::{Error, IntegrationId, Result, ThreadId};
use catchment_index::Filter;
use futures::StreamExt;

use crate::{
    app::{App, Data},
    cli::{self, Narrow},
    exit::Exit,
    show::{plain, prose},
};

pub(crate) async fn run(app: &App, ask: cli::Ask) -> Result<Exit> {
    let data = app.open().await?;
    let (exit, thread) = answer(app, &data, ask.question, ask.narrow).await?;
    if !app.json {
        println!("\nThread {thread} (go on with --thread)");
    }
    Ok(exit)
}

/// Asks, and shows the answer as it comes.
pub(crate) async fn answer(app: &App, data: &Data, question: String, narrow: Narrow) -> Result<(Exit, ThreadId)> {
    let mut filter = Filter::owner(&app.tenant());
    filter.portfolio = narrow.portfolio;
    if !narrow.integrations.is_empty() {
        filter.integrations = Some(narrow.integrations.into_iter().map(IntegrationId).collect());
    }
    let question = Question {
        text: question,
        tenant: app.tenant(),
        filter,
        top_k: narrow.top_k,
        thread: narrow.thread.map(ThreadId),
    };
    let mut pieces = app.ask(data)?.stream(question);
    while let Some(piece) = pieces.next().await {
        match piece? {
            Piece::Text(text) => {
                if !app.json {
                    print!("{}", prose_piece(&text));
                    // A closed pipe ends the program at the next line; nothing to do about it here.
                    let _ = std::io::stdout().flush();
                }
            }
            Piece::Done(answer) => {
                if app.json {
                    app.line(&answer)?;
                } else {
                    sources(&answer);
                }
                if answer.mode != Mode::NotFound {
                    return Ok((Exit::Done, answer.thread_id));
                }
                if data.index.stats().await?.documents == 0 {
                    eprintln!("nothing has been imported yet: begin with `catchment import ./docs`");
                }
                return Ok((Exit::Nothing, answer.thread_id));
            }
        }
    }
    Err(Error::internal("an answer ended without its end"))
}

/// A piece of an answer, safe for a terminal; a trailing line feed is part of it.
fn prose_piece(text: &str) -> String {
    let end = if text.ends_with('\n') { "\n" } else { "" };
    format!("{}{end}", prose(text))
}

fn sources(answer: &Answer) {
    println!("\n");
    for citation in &answer.citations {
        let page = match &citation.page_label {
            Some(label) if *label != citation.page.to_string() => format!("page {} ({})", citation.page, plain(label)),
            _ => format!("page {}", citation.page),
        };
        let headings = citation.headings.iter().map(|heading| plain(heading)).collect::<Vec<_>>().join(" > ");
        let headings = if headings.is_empty() { headings } else { format!(" — {headings}") };
        println!("  [{}] {}, {page}{headings}", citation.number, plain(&citation.file_path));
    }
    if let Some(notice) = &answer.notice {
        println!("\nNote: {}", plain(notice));
    }
}
