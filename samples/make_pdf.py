"""The two PDF files: a handbook with an outline, headings and tables, and an annex behind a password."""

import hashlib
import io
import os
import random
import secrets

ORGANIZATION = "Fernhill Water"


def pdf(title, author, pages, contents=True):
    """A PDF with embedded fonts, an outline, headings, tables, and a running foot with the page number."""
    os.environ["SOURCE_DATE_EPOCH"] = "1772442000"  # 2 March 2026, 09:00 UTC

    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import ListFlowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    for font in ("Vera", "VeraBd"):
        pdfmetrics.registerFont(TTFont(font, font + ".ttf"))
    blue = HexColor("#0b4f6c")
    body = ParagraphStyle("body", fontName="Vera", fontSize=10, leading=15, spaceAfter=8)
    head = {
        "title": ParagraphStyle("title", fontName="VeraBd", fontSize=24, leading=30, textColor=blue, spaceAfter=10),
        "h1": ParagraphStyle("h1", fontName="VeraBd", fontSize=16, leading=22, textColor=blue, spaceAfter=8),
        "h2": ParagraphStyle("h2", fontName="VeraBd", fontSize=12, leading=18, spaceBefore=8, spaceAfter=4),
    }

    class Template(SimpleDocTemplate):
        def afterFlowable(self, flowable):
            if getattr(flowable, "style", None) is head["h1"]:
                key = hashlib.sha256(flowable.getPlainText().encode()).hexdigest()[:12]
                self.canv.bookmarkPage(key)
                self.canv.addOutlineEntry(flowable.getPlainText(), key, 0)

    def foot(canvas, document):
        canvas.setFont("Vera", 8)
        canvas.setFillColor(blue)
        canvas.drawString(25 * mm, 14 * mm, title)
        canvas.drawRightString(185 * mm, 14 * mm, f"Page {document.page} of {len(pages)}")

    story = []
    for number, page in enumerate(pages):
        if number:
            story.append(PageBreak())
        for kind, text in page:
            if kind in head:
                story.append(Paragraph(text, head[kind]))
            elif kind == "p":
                story.append(Paragraph(text, body))
            elif kind == "list":
                story.append(ListFlowable([Paragraph(item, body) for item in text], bulletType="bullet", start="•"))
            elif kind == "table":
                widths = [max(len(row[x]) for row in text) for x in range(len(text[0]))]
                table = Table(text, hAlign="LEFT", colWidths=[160 * width / sum(widths) * mm for width in widths])
                table.setStyle(TableStyle([
                    ("FONT", (0, 0), (-1, -1), "Vera", 9), ("FONT", (0, 0), (-1, 0), "VeraBd", 9),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, blue), ("BACKGROUND", (0, 0), (-1, 0), HexColor("#dcecf2")),
                ]))
                story += [table, Spacer(1, 10)]
    out = io.BytesIO()
    Template(out, pagesize=A4, leftMargin=25 * mm, rightMargin=25 * mm, topMargin=25 * mm, bottomMargin=25 * mm,
             title=title, author=author, subject="Operations", creator=ORGANIZATION,
             ).build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def pump_handbook():
    return pdf("Pump Handbook, Station North", f"{ORGANIZATION}, Operations", [
        [("title", "Pump Handbook"), ("p", "Station North, edition 7, valid from 2 March 2026. It replaces edition 6 of 2023."),
         ("h1", "1 About this handbook"),
         ("p", "Station North lifts drinking water from the clear well to the upper pressure zone. Two KX-40 booster "
               "pumps share the work: one runs, the other stands by, and they change over every Monday at 06:00. "
               "This handbook is for the shift operator and the maintenance technician on duty."),
         ("h1", "2 Technical data"),
         ("table", [["Property", "Value"], ["Type", "KX-40 horizontal split case"], ["Rated flow", "310 m³ per hour"],
                    ["Rated head", "64 m"], ["Motor power", "75 kW"], ["Speed", "1,485 revolutions per minute"],
                    ["Commissioned", "18 September 2024"]]),
         ("p", "The motors are fed through frequency converters. Below 22 Hz the bearings are not lubricated well "
               "enough; the controller therefore stops the pump rather than running it slower.")],
        [("h1", "3 Starting and stopping"), ("h2", "3.1 Before the start"),
         ("list", ["Both isolating valves stand open.", "The suction pressure is at least 0.8 bar.",
                   "The oil in both bearing housings stands in the middle of the sight glass.",
                   "Nobody works on the shaft: the yellow tag is not on the lever."]),
         ("h2", "3.2 The start"),
         ("p", "Turn the switch to AUTO. The pump reaches its speed within 35 seconds. If it does not, the controller "
               "shows alarm A17 and stops the motor."),
         ("h2", "3.3 Stopping in an emergency"),
         ("p", "Press the red button beside the door. The non-return valve closes by itself; do not close the "
               "isolating valves while the shaft is still turning.")],
        [("h1", "4 Warranty and spare parts"), ("h2", "4.1 Warranty"),
         ("p", "The warranty of the pump lasts 42 months from the day of commissioning. It covers the casing, the "
               "impeller and the shaft, but not seals and bearings, which wear. A claim needs the log sheet of the "
               "last 90 days and a photograph of the type plate."),
         ("h2", "4.2 Spare parts in the store"),
         ("table", [["Part", "Number", "Kept in the store"], ["Mechanical seal", "KX-40-311", "4"],
                    ["Roller bearing, drive end", "KX-40-207", "2"], ["Coupling insert", "KX-40-118", "6"],
                    ["Impeller", "KX-40-020", "1"]]),
         ("p", "An impeller takes eleven weeks to arrive. Order the next one on the day the last one leaves the shelf.")],
        [("h1", "5 Maintenance plan"),
         ("table", [["Interval", "Work", "Who"], ["Every shift", "Listen, feel, read the gauges", "Operator"],
                    ["Every 2,000 hours", "Change the bearing oil", "Technician"],
                    ["Every 8,000 hours", "Replace the mechanical seals", "Technician"],
                    ["Every 5 years", "Open the casing, measure the wear rings", "Manufacturer"]]),
         ("h2", "5.1 Vibration"),
         ("p", "Vibration is measured at the drive end. Up to 2.8 mm/s is good, up to 4.5 mm/s is watched weekly, and "
               "above 7.1 mm/s the pump is taken out of service on the same day."),
         ("h1", "6 Alarms"),
         ("table", [["Alarm", "Meaning", "What to do"], ["A04", "Suction pressure low", "Check the clear well level"],
                    ["A17", "Speed not reached", "Check the converter"], ["A23", "Bearing above 80 °C", "Change over, call"]])],
    ])


def locked_annex():
    """The same kind of PDF, encrypted with AES-256: nobody reads it without the password `fernhill`."""
    import pypdf

    plain = pdf("Annex C: supply contract", f"{ORGANIZATION}, Legal", [
        [("title", "Annex C"), ("p", "Prices of the supply contract. Confidential until 31 December 2027."),
         ("h1", "1 Price per cubic metre"), ("p", "The price is fixed at 0.87 euros per cubic metre.")]])
    noise = random.Random(7)
    real, secrets.token_bytes = secrets.token_bytes, noise.randbytes
    try:
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(plain))
        writer.encrypt(user_password="fernhill", owner_password="fernhill-owner", algorithm="AES-256")
        out = io.BytesIO()
        writer.write(out)
    finally:
        secrets.token_bytes = real
    return out.getvalue()
