#!/usr/bin/env python3
"""Makes the sample documents of a fictional water utility, byte for byte the same each time.

    python3 -m venv venv
    venv/bin/pip install reportlab==5.1.0 pillow==13.0.0 python-docx==1.2.0 python-pptx==1.0.2 \
        XlsxWriter==3.3.1 odfpy==1.4.1 "pypdf[crypto]==7.1.0" cryptography==50.0.2
    venv/bin/python samples/make.py

Writes the binary files of samples/documents/; the HTML and Markdown files there are written by hand.
Every fact stands in exactly one file, so that a question about it has exactly one answer:
questions.json lists some, README.md says what each file is for.
"""

import datetime
import hashlib
import io
import random
import zipfile
from pathlib import Path

import make_pdf

OUT = Path(__file__).resolve().parent / "documents"
DAY = datetime.datetime(2026, 3, 2, 9, 0, 0)
ORGANIZATION = make_pdf.ORGANIZATION


def write(name, data):
    OUT.mkdir(exist_ok=True)
    (OUT / name).write_bytes(data)


def rezip(data):
    """The same archive with fixed times, so that two runs give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            info = zipfile.ZipInfo(item.filename, (2026, 3, 2, 9, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if item.filename == "mimetype" else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            new.writestr(info, old.read(item.filename))
    return out.getvalue()


# Office ------------------------------------------------------------------------------------------

def properties(core, title):
    core.title, core.author, core.last_modified_by = title, f"{ORGANIZATION}, Operations", ORGANIZATION
    core.created = core.modified = core.last_printed = DAY
    core.revision = 1


def docx(title, blocks):
    import docx as library

    document = library.Document()
    properties(document.core_properties, title)
    document.sections[0].footer.paragraphs[0].text = f"{ORGANIZATION} · {title}"
    for kind, text in blocks:
        if kind.startswith("h"):
            document.add_heading(text, int(kind[1:]))
        elif kind == "p":
            document.add_paragraph(text)
        elif kind == "list":
            for item in text:
                document.add_paragraph(item, "List Number")
        elif kind == "table":
            table = document.add_table(0, len(text[0]), "Light Grid Accent 1")
            for row in text:
                for cell, value in zip(table.add_row().cells, row):
                    cell.text = value
    out = io.BytesIO()
    document.save(out)
    return rezip(out.getvalue())


def leak_response():
    return docx("Leak response plan", [
        ("h0", "Leak response plan"),
        ("p", "What the control room and the crew do when water escapes from the network. Version 4, approved by the "
              "head of operations on 12 January 2026."),
        ("h1", "Classes of leak"),
        ("table", [["Class", "What it looks like", "Crew on site within"], ["Red", "Road or building in danger", "45 minutes"],
                   ["Amber", "Water on the surface, traffic safe", "4 hours"], ["Green", "Found by listening only", "10 working days"]]),
        ("h1", "First steps of the control room"),
        ("list", ["Write down street, house number and the caller's own words.", "Compare the night flow of the district "
                  "with the seven days before.", "Name the class. In doubt take the higher one.",
                  "Call the crew leader, and for class red the fire brigade as well."]),
        ("h1", "Closing valves"),
        ("p", "Valves are closed slowly: a DN 300 valve takes 96 turns, and each of the last ten turns takes at least "
              "six seconds, because a pressure surge breaks the next weak pipe. Hospitals and dialysis patients on "
              "the district's list are telephoned before their street is shut off."),
        ("h1", "Back in service"),
        ("p", "A repaired main is flushed with 1.5 times its volume, and two samples, taken 24 hours apart, must be "
              "free of coliforms before it supplies customers again."),
    ])


def site_survey_broken():
    """A Word file whose transfer stopped at 60 %: the directory at the end of the archive is missing."""
    whole = docx("Site survey Eastgate", [
        ("h0", "Site survey Eastgate"), ("p", "Soil borings for the new reservoir. Groundwater stands 3.4 m below the surface."),
        ("h1", "Borings"), ("table", [["Boring", "Depth"], ["B1", "12 m"], ["B2", "15 m"]])])
    return whole[:len(whole) * 6 // 10]


def network_plan():
    import pptx
    from pptx.util import Inches

    deck = pptx.Presentation()
    properties(deck.core_properties, "Network plan 2026 to 2030")

    def slide(layout, title, text, notes=None):
        page = deck.slides.add_slide(deck.slide_layouts[layout])
        page.shapes.title.text = title
        page.placeholders[1].text = "\n".join(text)
        if notes:
            page.notes_slide.notes_text_frame.text = notes
        return page

    slide(0, "Network plan 2026 to 2030", ["Fernhill Water", "Presented to the supervisory board, 24 February 2026"])
    slide(1, "Where we stand", ["412 km of mains, a third of them laid before 1970", "Water lost on the way: 11.3 % of what we pump in",
                                "19 bursts per year and 100 km in the old town"])
    page = deck.slides.add_slide(deck.slide_layouts[5])
    page.shapes.title.text = "What it costs"
    rows = [["Project", "Years", "Budget"], ["Eastgate reservoir", "2027 to 2029", "6.4 million euros"],
            ["Old town mains, 38 km", "2026 to 2030", "21.5 million euros"], ["Smart meters", "2028", "3.1 million euros"]]
    table = page.shapes.add_table(len(rows), 3, Inches(0.5), Inches(1.8), Inches(9), Inches(2.5)).table
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            table.cell(y, x).text = value
    slide(1, "What we ask of the board", ["Release the design of the Eastgate reservoir by 30 June 2026",
                                          "Two more pipe fitters from September"],
          "Speaker's note: the grant for the reservoir lapses if the design is not released in time.")
    out = io.BytesIO()
    deck.save(out)
    return rezip(out.getvalue())


def tariffs():
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": "Tariffs 2026", "author": f"{ORGANIZATION}, Customer service", "created": DAY})
    bold, money, date = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheets = {
        "Consumption": [["Band", "From m³", "To m³", "Euros per m³"], ["Household", 0, 200, 1.94], ["Household, above", 200, 1000, 2.21],
                        ["Trade", 0, 20000, 1.78], ["Irrigation", 0, 5000, 2.65]],
        "Standing charge": [["Meter", "Euros per month"], ["Q3 4 (house)", 7.40], ["Q3 10", 16.90], ["Q3 16", 27.15], ["Q3 63 (hydrant)", 88.60]],
        "Services": [["Service", "Euros", "Valid from"], ["New connection up to 12 m", 2180, DAY], ["Meter test on request", 64.50, DAY],
                     ["Reminder", 3.50, DAY], ["Standpipe, per day", 5.25, DAY]],
    }
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        sheet.set_column(0, 0, 28)
        for y, row in enumerate(rows):
            for x, value in enumerate(row):
                if isinstance(value, datetime.datetime):
                    sheet.write_datetime(y, x, value, date)
                else:
                    sheet.write(y, x, value, bold if y == 0 else money if isinstance(value, float) else None)
    book.close()
    return rezip(out.getvalue())


def laboratory_rules():
    from odf import meta, teletype
    from odf.dc import Creator, Title
    from odf.opendocument import OpenDocumentText
    from odf.style import Style, TextProperties
    from odf.text import H, List, ListItem, P

    document = OpenDocumentText()
    document.meta.addElement(Title(text="Laborordnung"))
    document.meta.addElement(Creator(text=f"{ORGANIZATION}, Labor"))
    document.meta.addElement(meta.CreationDate(text=DAY.isoformat()))
    styles = {}
    for level, size in ((1, "18pt"), (2, "13pt")):
        styles[level] = Style(name=f"Heading {level}", family="paragraph")
        styles[level].addElement(TextProperties(fontsize=size, fontweight="bold"))
        document.styles.addElement(styles[level])

    def add(element, text):
        teletype.addTextToElement(element, text)
        return element

    for kind, text in [
        (1, "Laborordnung"), (0, "Diese Ordnung gilt für alle, die im Trinkwasserlabor arbeiten oder es betreten."),
        (2, "Proben"), (0, "Proben werden bei 4 °C gelagert und spätestens 18 Stunden nach der Entnahme angesetzt. "
                           "Jede Flasche trägt Entnahmestelle, Datum, Uhrzeit und das Kürzel der Stelle, die sie genommen hat."),
        (2, "Schutz"), (9, ["Kittel und Schutzbrille sind Pflicht.", "Säuren werden nur unter dem Abzug geöffnet.",
                            "Die Augendusche wird jeden Freitag geprüft."]),
        (2, "Grenzwerte"), (0, "Für Blei gilt ab 12. Januar 2028 ein Grenzwert von 5 Mikrogramm je Liter, für Nitrat 50 Milligramm je Liter."),
    ]:
        if kind == 9:
            items = List()
            for item in text:
                entry = ListItem()
                entry.addElement(add(P(), item))
                items.addElement(entry)
            document.text.addElement(items)
        else:
            document.text.addElement(add(H(outlinelevel=kind, stylename=styles[kind]) if kind else P(), text))
    out = io.BytesIO()
    document.save(out)
    return rezip(out.getvalue())


def apprentice_guide():
    chapters = [
        ("Water on its way", ["Rain that falls on the Fernhill ridge needs about nine years to reach the wells. On its way through the "
                              "sandstone it takes up the calcium that makes it hard.",
                              "Five wells between 40 and 118 metres deep feed the works. Well 3 is the deepest."]),
        ("The works", ["Air is blown through the raw water first, because iron that has met oxygen falls out as rust and stays in the filter.",
                       "A sand filter is backwashed when it has run for 72 hours or when the loss of head passes 1.6 metres, whichever comes first."]),
        ("Your first week", ["On Monday you receive boots, a helmet and a hygiene briefing. On Thursday you walk the line with the mains inspector.",
                             "Whoever is ill with diarrhoea stays away from the works and tells the shift leader."]),
    ]
    page = ('<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head>'
            "<body><h1>{0}</h1>{1}</body></html>\n")
    files = {"mimetype": "application/epub+zip",
             "META-INF/container.xml": '<?xml version="1.0"?>\n<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
             '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>\n'}
    items = spine = links = ""
    for number, (title, paragraphs) in enumerate(chapters, 1):
        files[f"OEBPS/chapter{number}.xhtml"] = page.format(title, "".join(f"<p>{text}</p>" for text in paragraphs))
        items += f'<item id="c{number}" href="chapter{number}.xhtml" media-type="application/xhtml+xml"/>'
        spine += f'<itemref idref="c{number}"/>'
        links += f'<li><a href="chapter{number}.xhtml">{title}</a></li>'
    files["OEBPS/nav.xhtml"] = ('<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" '
                                'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>Contents</title></head><body>'
                                f'<nav epub:type="toc"><ol>{links}</ol></nav></body></html>\n')
    files["OEBPS/book.opf"] = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:fernhill:apprentice-guide</dc:identifier>'
        f"<dc:title>The apprentice's guide to water</dc:title><dc:language>en</dc:language><dc:creator>{ORGANIZATION}, Training</dc:creator>"
        '<meta property="dcterms:modified">2026-03-02T09:00:00Z</meta></metadata>'
        f'<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>{items}</manifest><spine>{spine}</spine></package>\n')
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return rezip(out.getvalue())


# Text --------------------------------------------------------------------------------------------

def texts():
    """Texts whose encoding is the point: kept in texts/ as UTF-8, here brought into the real one."""
    source = Path(__file__).resolve().parent / "texts"

    def read(name):
        return (source / name).read_text(encoding="utf-8")

    write("meter-readings.csv", readings())
    write("wasserhaerte.txt", read("wasserhaerte.txt").encode("latin-1"))
    write("visitors.txt", b"\xff\xfe" + read("visitors.txt").replace("\n", "\r\n").encode("utf-16-le"))
    write("safety-card.rtf", "".join(c if ord(c) < 128 else f"\\u{ord(c)}?" for c in read("safety-card.rtf")).encode("ascii"))
    write("mill-lane-shutdown.eml", mail(read("mill-lane-shutdown.txt"), read("standpipes.csv")))


def readings():
    noise = random.Random(41)
    rows, value = ["date,district,inflow_m3,night_flow_m3_per_h,remark"], 0
    for day in range(28):
        for district in ("Old Town", "Eastgate", "Upper Zone"):
            value = noise.randint(1900, 3400)
            remark = "hydrant flushing" if (day, district) == (9, "Eastgate") else ""
            rows.append(f"2026-02-{day + 1:02},{district},{value},{value / 260:.1f},{remark}")
    rows[1 + 16 * 3] = '2026-02-17,Old Town,5127,71.4,"burst in Mill Lane, closed at 03:40"'
    return ("\n".join(rows) + "\n").encode()


def mail(body, attachment):
    from email.message import EmailMessage
    from email.policy import SMTP

    message = EmailMessage(policy=SMTP)
    message["From"] = "Network Control <control@fernhill-water.example>"
    message["To"] = "All shift leaders <shift-leaders@fernhill-water.example>"
    message["Cc"] = "Customer service <service@fernhill-water.example>"
    message["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    message["Message-ID"] = "<20260302.0900.mill-lane@fernhill-water.example>"
    message["Subject"] = "Mill Lane: shut-down for the valve – 17 March"
    message.set_content(body, cte="quoted-printable")
    message.add_attachment(attachment.encode(), maintype="text", subtype="csv", filename="standpipes.csv")
    message.set_boundary("=-fernhill-water-0001")
    return message.as_bytes()


def main():
    write("pump-handbook.pdf", make_pdf.pump_handbook())
    write("leak-response.docx", leak_response())
    write("network-plan.pptx", network_plan())
    write("tariffs-2026.xlsx", tariffs())
    write("laborordnung.odt", laboratory_rules())
    write("apprentice-guide.epub", apprentice_guide())
    texts()
    write("site-survey.docx", site_survey_broken())
    write("annex-c-prices.pdf", make_pdf.locked_annex())
    for path in sorted(OUT.iterdir()):
        data = path.read_bytes()
        print(f"{len(data):>7}  {hashlib.sha256(data).hexdigest()[:16]}  {path.name}")


if __name__ == "__main__":
    main()
