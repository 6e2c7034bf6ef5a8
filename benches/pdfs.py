"""PDF files to read: made here, and spoiled here. The same each time.

usage: pdfs.py make FOLDER | spoil FROM TO COPIES

`make` writes files with one and two columns, tables, accented text, standard and embedded fonts,
upright and landscape pages. `spoil` writes COPIES damaged versions of each PDF below FROM into TO: bytes
changed, pieces cut out, the end missing.
"""

import pathlib
import random
import sys

WORDS = ("pump valve station reservoir pressure meter customer contract inspection report pipe filter laboratory "
         "sample district network repair budget schedule operator maintenance supply quality measurement tariff "
         "Überprüfung façade naïve señor Ångström coöperate œuvre").split()


def make(folder):
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph, Spacer, Table

    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(40):
        draw = random.Random(number)
        styles = getSampleStyleSheet()
        body = styles["BodyText"]
        body.fontName = ["Helvetica", "Times-Roman", "Courier", "Vera"][number % 4]
        size = landscape(A4) if number % 5 == 4 else A4
        columns = 2 if number % 3 == 2 else 1
        width = (size[0] - 40 * mm) / columns
        frames = [Frame(20 * mm + column * width, 20 * mm, width, size[1] - 40 * mm) for column in range(columns)]
        story = []
        for part in range(2 + number % 5):
            story.append(Paragraph(f"{part + 1} " + " ".join(draw.choices(WORDS, k=3)), styles["Heading1"]))
            for _ in range(draw.randint(2, 6)):
                text = " ".join(draw.choices(WORDS, k=draw.randint(20, 90)))
                story.append(Paragraph(text.capitalize() + ".", body))
            if part % 2:
                story += [Table([[draw.choice(WORDS), str(draw.randint(10, 9999))] for _ in range(6)]), Spacer(1, 12)]
        document = BaseDocTemplate(str(folder / f"made-{number:02}.pdf"), pagesize=size, invariant=1,
                                   title=f"Report {number}", pageCompression=number % 2)
        document.addPageTemplates(PageTemplate(frames=frames))
        document.build(story)


def spoil(source, target, copies):
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*.pdf")):
        whole = path.read_bytes()
        for copy in range(copies):
            draw = random.Random(f"{path.name} {copy}")
            data = bytearray(whole)
            for _ in range(draw.randint(1, 40)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            if copy % 3 == 1:
                start = draw.randrange(len(data))
                del data[start:start + draw.randint(1, 2000)]
            if copy % 3 == 2:
                del data[draw.randrange(len(data)):]
            (target / f"{copy}-{path.name}").write_bytes(data)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    else:
        spoil(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4]))
