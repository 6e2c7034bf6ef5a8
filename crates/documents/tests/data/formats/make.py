"""Makes the sample files of the format tests, with makers that know nothing of Catchment.

    python3 -m venv venv && venv/bin/pip install python-docx openpyxl python-pptx odfpy xlwt ebooklib msoffcrypto-tool
    venv/bin/python make.py

`soffice` (LibreOffice) makes the formats before 2007 and one RTF file, if it is there.
"""

import datetime
import shutil
import subprocess
import sys
import tempfile
from email import policy
from email.message import EmailMessage
from pathlib import Path

HERE = Path(__file__).parent
WHEN = datetime.datetime(2024, 5, 6, 7, 8, 9)


def docx():
    import docx
    from docx.enum.text import WD_BREAK
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    d = docx.Document()
    d.core_properties.title = "Annual report"
    d.core_properties.author = "Ada Lovelace"
    d.core_properties.created = WHEN
    d.core_properties.modified = WHEN
    d.sections[0].header.paragraphs[0].text = "Confidential header"
    d.sections[0].footer.paragraphs[0].text = "Printed footer"
    d.add_heading("Annual report", 0)
    d.add_heading("Revenue", 1)
    p = d.add_paragraph("Revenue grew by ")
    p.add_run("12 percent").bold = True
    p.add_run(" in Zürich, 東京 and Москва.")
    d.add_paragraph("First item", style="List Bullet")
    d.add_paragraph("Second item", style="List Bullet")
    t = d.add_table(rows=2, cols=3)
    for r, row in enumerate([["Region", "Units", "Price"], ["North", "17", "3.50"]]):
        for c, text in enumerate(row):
            t.cell(r, c).text = text
    p = d.add_paragraph("Before the break.")
    p.add_run().add_break(WD_BREAK.PAGE)
    d.add_heading("Outlook", 2)
    p = d.add_paragraph("Kept text. ")
    for kind, text in (("w:del", "Deleted text. "), ("w:ins", "Inserted text.")):
        change = OxmlElement(kind)
        change.set(qn("w:id"), "9")
        change.set(qn("w:author"), "Ada")
        run = OxmlElement("w:r")
        words = OxmlElement("w:delText" if kind == "w:del" else "w:t")
        words.text = text
        run.append(words)
        change.append(run)
        p._p.append(change)
    d.add_comment(p.runs, text="A comment on the outlook", author="Grace", initials="G")
    d.save(HERE / "report.docx")


def pptx():
    from pptx import Presentation
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    p = Presentation()
    p.core_properties.title = "Quarterly review"
    p.core_properties.author = "Grace Hopper"
    p.core_properties.created = WHEN
    s = p.slides.add_slide(p.slide_layouts[1])
    s.shapes.title.text = "Opening"
    s.placeholders[1].text = "Welcome everyone"
    s.notes_slide.notes_text_frame.text = "Remember to smile"
    s = p.slides.add_slide(p.slide_layouts[5])
    s.shapes.title.text = "Figures"
    table = s.shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for r, row in enumerate([["Quarter", "Sales"], ["Q1", "1200"]]):
        for c, text in enumerate(row):
            table.cell(r, c).text = text
    group = s.shapes.add_group_shape()
    inner = group.shapes.add_group_shape()
    inner.shapes.add_textbox(Inches(1), Inches(4), Inches(3), Inches(1)).text_frame.text = "Grouped deep inside"
    s = p.slides.add_slide(p.slide_layouts[5])
    s.shapes.title.text = "Chart"
    data = CategoryChartData()
    data.categories = ["Apples", "Pears"]
    data.add_series("Harvest", (4.5, 5.5))
    s.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(5), Inches(3), data)
    s._element.set("show", "0")
    # The order of presentation is not the order of the parts.
    ids = p.slides._sldIdLst
    ids.insert(0, ids[1])
    p.save(HERE / "deck.pptx")


def xlsx():
    import openpyxl
    from openpyxl.comments import Comment

    b = openpyxl.Workbook()
    b.properties.title = "Stock list"
    b.properties.creator = "Katherine Johnson"
    s = b.active
    s.title = "Stock"
    s.append(["Item", "Count", "Price", "Checked", "Good"])
    s.append(["Bolt", 1200, 0.1 + 0.2, WHEN.date(), True])
    s.append(["Nut", 7, -1.5, WHEN, False])
    s["A2"].comment = Comment("Reorder soon", "Ada")
    s["G2"] = "far"
    h = b.create_sheet("Secret")
    h["B2"] = "hidden value"
    h.sheet_state = "hidden"
    c = b.create_sheet("Corner")
    c["A1"] = "first"
    c["XFD1048576"] = "last corner"
    b.save(HERE / "stock.xlsx")


def xls():
    import xlwt

    b = xlwt.Workbook()
    s = b.add_sheet("Stock")
    date = xlwt.easyxf(num_format_str="YYYY-MM-DD")
    for r, row in enumerate([["Item", "Count", "Checked"], ["Bolt", 1200, WHEN.date()], ["Straße", 0.5, WHEN.date()]]):
        for c, value in enumerate(row):
            s.write(r, c, value, date) if isinstance(value, datetime.date) else s.write(r, c, value)
    b.save(str(HERE / "stock.xls"))


def odf():
    from odf import dc, meta, style, table, text
    from odf.draw import Frame, Page, TextBox
    from odf.opendocument import OpenDocumentPresentation, OpenDocumentSpreadsheet, OpenDocumentText
    from odf.presentation import Notes
    from odf.style import MasterPage, PageLayout, PageLayoutProperties

    def describe(d, title):
        d.meta.addElement(dc.Title(text=title))
        d.meta.addElement(meta.InitialCreator(text="Ada Lovelace"))
        d.meta.addElement(meta.CreationDate(text=WHEN.isoformat()))

    d = OpenDocumentText()
    describe(d, "Open letter")
    turn = style.Style(name="Turn", family="paragraph")
    turn.addElement(style.ParagraphProperties(breakbefore="page"))
    d.automaticstyles.addElement(turn)
    d.text.addElement(text.H(outlinelevel=1, text="Greeting"))
    p = text.P(text="Dear")
    p.addElement(text.S(c=3))
    p.addText("reader of Zürich")
    note = text.Note(noteclass="footnote", id="n1")
    note.addElement(text.NoteCitation(text="1"))
    body = text.NoteBody()
    body.addElement(text.P(text="A footnote about greetings"))
    note.addElement(body)
    p.addElement(note)
    d.text.addElement(p)
    items = text.List()
    for word in ["First point", "Second point"]:
        item = text.ListItem()
        item.addElement(text.P(text=word))
        items.addElement(item)
    d.text.addElement(items)
    t = table.Table(name="T")
    for row in [["Region", "Units"], ["North", "17"]]:
        tr = table.TableRow()
        for cell in row:
            tc = table.TableCell()
            tc.addElement(text.P(text=cell))
            tr.addElement(tc)
        t.addElement(tr)
    d.text.addElement(t)
    d.text.addElement(text.P(stylename=turn, text="On the second page"))
    d.save(str(HERE / "letter.odt"))

    d = OpenDocumentPresentation()
    describe(d, "Open deck")
    layout = PageLayout(name="L")
    # Flat, so that the thumbnail that LibreOffice puts into deck.ppt stays small.
    layout.addElement(PageLayoutProperties(pagewidth="28cm", pageheight="1cm"))
    d.automaticstyles.addElement(layout)
    master = MasterPage(name="M", pagelayoutname=layout)
    d.masterstyles.addElement(master)
    for title, words, spoken in [("Opening", "Welcome everyone", "Smile"), ("Closing", "Thank you", "Bow")]:
        page = Page(masterpagename=master, name=title)
        for shown in [title, words]:
            frame = Frame(width="10cm", height="3cm", x="1cm", y="1cm")
            if shown == title:
                frame.setAttrNS("urn:oasis:names:tc:opendocument:xmlns:presentation:1.0", "class", "title")
            box = TextBox()
            box.addElement(text.P(text=shown))
            frame.addElement(box)
            page.addElement(frame)
        notes = Notes()
        frame = Frame(width="10cm", height="3cm", x="1cm", y="1cm")
        frame.setAttrNS("urn:oasis:names:tc:opendocument:xmlns:presentation:1.0", "class", "notes")
        box = TextBox()
        box.addElement(text.P(text=spoken))
        frame.addElement(box)
        notes.addElement(frame)
        page.addElement(notes)
        d.presentation.addElement(page)
    d.save(str(HERE / "deck.odp"))

    d = OpenDocumentSpreadsheet()
    describe(d, "Open stock")
    t = table.Table(name="Stock")
    for row in [["Item", "Count", "Checked"], ["Bolt", 1200.5, WHEN.date()]]:
        tr = table.TableRow()
        for cell in row:
            if isinstance(cell, str):
                tc = table.TableCell(valuetype="string")
                tc.addElement(text.P(text=cell))
            elif isinstance(cell, float):
                tc = table.TableCell(valuetype="float", value=cell)
                tc.addElement(text.P(text="1,200.50"))
            else:
                tc = table.TableCell(valuetype="date", datevalue=cell.isoformat())
                tc.addElement(text.P(text=cell.strftime("%d/%m/%y")))
            tr.addElement(tc)
        tr.addElement(table.TableCell(numbercolumnsrepeated=16000))
        t.addElement(tr)
    tail = table.TableRow(numberrowsrepeated=1048000)
    tail.addElement(table.TableCell(numbercolumnsrepeated=16384))
    t.addElement(tail)
    d.spreadsheet.addElement(t)
    d.save(str(HERE / "stock.ods"))


def epub():
    from ebooklib import epub as book

    b = book.EpubBook()
    b.set_identifier("sample-1")
    b.set_title("A small book")
    b.set_language("en")
    b.add_author("Mary Shelley")
    b.add_metadata("DC", "date", "1818-01-01")
    chapters = []
    for number, (title, words) in enumerate([("The voyage", "We sailed north."), ("The ice", "It was cold &amp; white.")]):
        c = book.EpubHtml(title=title, file_name=f"part {number}/c.xhtml", lang="en")
        c.content = f"<h1>{title}</h1><p>{words}</p>"
        b.add_item(c)
        chapters.append(c)
    b.toc = chapters
    b.add_item(book.EpubNcx())
    b.add_item(book.EpubNav())
    b.spine = chapters
    book.write_epub(str(HERE / "book.epub"), b)


def mail():
    inner = EmailMessage(policy=policy.SMTP)
    inner["Subject"] = "The forwarded one"
    inner["From"] = "bob@example.com"
    inner.set_content("Inner words.")
    m = EmailMessage(policy=policy.SMTP)
    m["Subject"] = "Größe der Lieferung"
    m["From"] = "Ada Lovelace <ada@example.com>"
    m["To"] = "Bob <bob@example.com>, carol@example.com"
    m["Cc"] = "dave@example.com"
    m["Date"] = "Mon, 06 May 2024 07:08:09 +0000"
    m.set_content("Hello Bob,\n\nthe delivery is late.\n")
    m.add_alternative("<p>Hello Bob, <b>html version</b></p>", subtype="html")
    m.add_attachment("name,count\nbolt,12\n".encode(), maintype="text", subtype="csv", filename="list.csv")
    m.add_attachment((HERE / "report.docx").read_bytes(), maintype="application", subtype="octet-stream", filename="Bericht ä.docx")
    m.add_attachment(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", maintype="image", subtype="png", filename="logo.png")
    m.add_attachment(bytes(range(256)) * 4, maintype="application", subtype="octet-stream", filename="blob.bin")
    m.add_attachment(inner)
    (HERE / "delivery.eml").write_bytes(m.as_bytes())
    h = EmailMessage(policy=policy.SMTP)
    h["Subject"] = "Only HTML"
    h["From"] = "news@example.com"
    h.set_content("<html><head><title>Mailer 3</title></head><body><table role=presentation><tr><td><h1>News</h1><p>Body of the news</p></td></tr></table></body></html>", subtype="html")
    (HERE / "news.eml").write_bytes(h.as_bytes())


def texts():
    (HERE / "page.html").write_text(
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Harbour</title>"
        "<meta name=author content='Ada'><script>var hidden = 1;</script></head><body>"
        "<nav><a href=/>Menu</a></nav><h1>Harbour</h1><p>Ships arrive at <em>dawn</em>.</p>"
        "<ul><li>Ropes<li>Sails</ul><table><tr><th>Ship<th>Tons<tr><td>Argo<td>120</table>"
        "<pre>a  b\n  c</pre></body></html>\n", encoding="utf-8")
    (HERE / "notes.md").write_text(
        "---\ntitle: Field notes\nauthor: Ada\n---\n\n# Birds\n\nWe saw *three* herons.\n\n- heron\n- gull\n\n"
        "| bird | count |\n|---|---|\n| heron | 3 |\n\n```python\nprint('bird')\n```\n", encoding="utf-8")
    (HERE / "latin1.txt").write_bytes("Straße nach Köln.\n\nZweiter Absatz über Äpfel.\n".encode("latin-1"))
    (HERE / "utf16.txt").write_bytes("Привет, мир.\r\n\r\nВторой абзац.\r\n".encode("utf-16"))
    (HERE / "table.csv").write_bytes("Stadt;Größe;Preis\nKöln;12;\"1,50\"\nBonn;7;\"a;b\"\n".encode("latin-1"))
    (HERE / "hand.rtf").write_bytes(
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title Letter}{\author Ada}}"
        rb"\pard\outlinelevel0 Greeting\par\pard Gr\'fc\'dfe \u26085?\u26412?\par"
        rb"\trowd\intbl a\cell b\cell\row\pard End.\par}")


def office():
    """What LibreOffice makes of the files above, and of one under a password."""
    soffice = shutil.which("soffice")
    if not soffice:
        print("no soffice: keeping the files it made before", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        def convert(source, to, name):
            run = [soffice, "--headless", f"-env:UserInstallation=file://{folder}/profile", "--convert-to", to, "--outdir", folder, HERE / source]
            subprocess.run(run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            shutil.move(Path(folder) / (Path(source).stem + "." + to.split(":")[0]), HERE / name)

        convert("report.docx", "doc:MS Word 97", "report.doc")
        convert("report.docx", "rtf:Rich Text Format", "report.rtf")
        convert("deck.odp", "ppt:MS PowerPoint 97", "deck.ppt")
        convert("report.docx", "odt:writer8", "office.odt")


def protected():
    """A file under a password, encrypted as Office does it."""
    from msoffcrypto.format.ooxml import OOXMLFile

    with open(HERE / "report.docx", "rb") as plain, open(HERE / "protected.docx", "wb") as out:
        OOXMLFile(plain).encrypt("secret", out)


if __name__ == "__main__":
    for make in [docx, pptx, xlsx, xls, odf, epub, mail, texts, office, protected]:
        make()
