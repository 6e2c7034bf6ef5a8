//! PDF files made to hurt: each is an error or a result in time, and the process goes on.

mod support;

use std::time::{Duration, Instant};

use catchment_documents::{Input, Limits, Parser, parse_bytes};
use proptest::prelude::*;
use support::{CATALOG, HELVETICA, PAGE, PAGES, pdf, stream};

const WORKER: &str = env!("CARGO_BIN_EXE_catchment-parse-worker");

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("it is in the repository")
}

/// Files by name, each an attack of its own.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let objects = |page: &str, content: Vec<u8>, font: &str, more: &[Vec<u8>]| {
        let mut objects =
            vec![CATALOG.into(), PAGES.into(), page.as_bytes().to_vec(), content, font.as_bytes().to_vec()];
        objects.extend_from_slice(more);
        pdf::<Vec<u8>>(&objects)
    };
    let shown = || stream("", "BT /F1 11 Tf 72 720 Td (rain) Tj ET");

    let deep = 50_000;
    let mut tree = vec![CATALOG.as_bytes().to_vec()];
    tree.extend((2..deep).map(|n| format!("<</Type/Pages/Kids[{} 0 R]/Count 1>>", n + 1).into_bytes()));
    tree.push(b"<</Type/Page/MediaBox[0 0 9 9]>>".to_vec());

    let codes = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00000000> <ffffffff> \
                 endcodespacerange 1 beginbfrange <00000000> <ffffffff> <0041> endbfrange endcmap";
    let composite = "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 6 0 R/DescendantFonts[<</Type/Font\
                     /Subtype/CIDFontType2/BaseFont/A/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)>>\
                     /W[0 4294967295 500]/FontDescriptor<</FontName/A>>>>]>>";
    let own = stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 6 0 R>>>>", "/X Do /X Do");
    let nested = "[".repeat(500_000) + &"]".repeat(500_000);
    let titles = "<</Type/Catalog/Pages 2 0 R/Outlines<</First 6 0 R>>/PageLabels 7 0 R>>";
    let ring = [CATALOG, PAGES, PAGE].map(|object| object.as_bytes().to_vec());

    vec![
        ("an exponential drawing", support::endless()),
        ("a flate bomb", support::flate_bomb(1 << 30)),
        ("a page tree 50,000 deep", pdf::<Vec<u8>>(&tree)),
        ("a page tree that is a ring", pdf(&[CATALOG, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>"])),
        ("a table of four thousand million characters", objects(PAGE, shown(), composite, &[stream("", codes)])),
        ("a form that draws itself", objects(PAGE, stream("", "/X Do"), HELVETICA, &[own])),
        ("arrays 500,000 deep in a page", objects(PAGE, stream("", &nested), HELVETICA, &[])),
        ("arrays 500,000 deep as an object", objects(PAGE, nested.clone().into_bytes(), HELVETICA, &[])),
        ("a million saved states", objects(PAGE, stream("", "q ".repeat(1_000_000)), HELVETICA, &[])),
        (
            "a length that is its own stream",
            objects(PAGE, b"<</Length 4 0 R>>stream\nBT ET\nendstream".to_vec(), HELVETICA, &[]),
        ),
        (
            "an outline that is a ring, and labels that double sixty times",
            pdf::<Vec<u8>>(&{
                let mut objects: Vec<Vec<u8>> =
                    vec![titles.into(), PAGES.into(), PAGE.into(), shown(), HELVETICA.into()];
                objects.push(b"<</Title(a)/Next 6 0 R/First 6 0 R>>".to_vec());
                objects.extend((8..68).map(|next| format!("<</Kids[{next} 0 R {next} 0 R]>>").into_bytes()));
                objects
            }),
        ),
        ("a cross-reference that is a ring", {
            let mut bytes = pdf::<Vec<u8>>(&ring);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let at =
                text.rsplit("startxref\n").next().and_then(|rest| rest.lines().next()).expect("an offset").to_owned();
            bytes.truncate(bytes.windows(7).rposition(|window| window == b"trailer").expect("a trailer"));
            bytes.extend_from_slice(
                format!("trailer\n<</Size 4/Root 1 0 R/Prev {at}>>\nstartxref\n{at}\n%%EOF").as_bytes(),
            );
            bytes
        }),
        ("an image of four thousand million points", {
            let image = stream(
                "/Type/XObject/Subtype/Image/Width 65000/Height 65000/BitsPerComponent 8/ColorSpace/DeviceRGB",
                "x",
            );
            objects(PAGE, stream("", "/X Do"), HELVETICA, &[image])
        }),
        ("numbers beyond all measure", {
            let content = "1e308 0 0 1e308 1e308 1e308 cm BT /F1 1e308 Tf 1e308 1e308 Td (rain) Tj ET";
            objects(PAGE, stream("", content), HELVETICA, &[])
        }),
    ]
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}

#[tokio::test]
async fn every_attack_ends_in_time_and_the_next_file_is_read() {
    let limits = Limits { time: Duration::from_secs(3), memory: 400 << 20, ..Limits::default() };
    let parser = Parser::builder().limits(limits).worker(WORKER).workers(1).build().expect("a worker program is named");
    let attacks = attacks();
    let before = resident();
    for (name, bytes) in attacks {
        let started = Instant::now();
        let result = parser.parse(Input::bytes("a.pdf", bytes)).await;
        let took = started.elapsed();
        assert!(took < Duration::from_secs(8), "{name} took {took:?}");
        match result {
            // Nothing is visited twice, and the page is read.
            result if name.starts_with("an outline") => assert_eq!(result.expect(name).text.plain(), "rain\n"),
            Err(error) => assert!(error.is_item(), "{name}: {error:?}"),
            Ok(_) => {}
        }
        let sound = parser.parse(Input::bytes("a.pdf", support::page(&["Rain."]))).await;
        assert_eq!(sound.expect(name).text.plain(), "Rain.\n", "after {name}");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "the parent grew by {} MiB", grown >> 20);
}

#[test]
fn a_file_cut_off_anywhere_never_panics() {
    for name in ["structure.pdf", "protected.pdf", "scanned.pdf"] {
        let whole = file(name);
        for part in 0..=50 {
            let bytes = &whole[..whole.len() * part / 50];
            if let Err(error) = parse_bytes(name, bytes, &Limits::default()) {
                assert!(error.is_item(), "{name} cut at {part}/50: {error:?}");
                assert!(!error.message().contains("makes its reader fail"), "{name} cut at {part}/50: {error:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_with_changed_bytes_is_an_error_or_text(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut bytes = file("structure.pdf");
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let limits = Limits { time: Duration::from_secs(10), ..Limits::default() };
        if let Err(error) = parse_bytes("a.pdf", &bytes, &limits) {
            prop_assert!(error.is_item(), "{error:?}");
        }
    }

    #[test]
    fn bytes_of_any_kind_are_an_error_or_text(
        start in prop::sample::select(vec!["", "%PDF-1.4\n", "PK\u{3}\u{4}", "{\\rtf1 ", "<html>", "From: a\nTo: b\n\n"]),
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let bytes = [start.as_bytes(), &rest].concat();
        if let Err(error) = parse_bytes("a", &bytes, &Limits::default()) {
            prop_assert!(error.is_item(), "{error:?}");
        }
    }
}
