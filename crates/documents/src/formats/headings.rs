//! Which names of styles mean a heading.

/// The level that the name of a style stands for. Word itself stores English names whatever the
/// language of its menus; other programs store what they show.
pub(crate) fn heading(name: &str) -> Option<u8> {
    const HEADINGS: [&str; 32] = [
        "heading",
        "überschrift",
        "titre",
        "título",
        "titolo",
        "kop",
        "rubrik",
        "overskrift",
        "otsikko",
        "nagłówek",
        "заголовок",
        "nadpis",
        "címsor",
        "başlık",
        "标题",
        "標題",
        "見出し",
        "제목",
        "encabezado",
        "intestazione",
        "επικεφαλίδα",
        "כותרת",
        "عنوان",
        "tiêu đề",
        "antraštė",
        "virsraksts",
        "pealkiri",
        "titlu",
        "naslov",
        "заглавие",
        "fyrirsögn",
        "heading level",
    ];
    const TITLES: [&str; 7] = ["title", "titel", "titre", "título", "titolo", "название", "标题"];
    let name = name.trim().to_lowercase();
    if TITLES.contains(&name.as_str()) {
        return Some(1);
    }
    if matches!(name.as_str(), "subtitle" | "untertitel" | "sous-titre" | "subtítulo" | "sottotitolo") {
        return Some(2);
    }
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let level = name[word.len()..].parse().ok().filter(|level| (1..=9).contains(level))?;
    HEADINGS.contains(&word.trim_end_matches([' ', '_', '-'])).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_many_languages_are_headings() {
        for (name, level) in
            [("heading 1", 1), ("Heading2", 2), ("Überschrift 3", 3), ("标题 4", 4), ("Title", 1), ("Subtitle", 2)]
        {
            assert_eq!(heading(name), Some(level), "{name}");
        }
        for name in ["Normal", "heading", "heading 0", "Heading 1 Char", "Body Text 2", "heading 77"] {
            assert_eq!(heading(name), None, "{name}");
        }
    }
}
