"""Makes the PDF files of this folder: python3 make.py (needs reportlab and pymupdf)."""
import io
import pymupdf
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

def pages(*texts):
    out = io.BytesIO()
    c = canvas.Canvas(out, pagesize=A4, invariant=1)
    for text in texts:
        c.setFont("Helvetica", 11)
        for n, line in enumerate(text.split("\n")):
            c.drawString(72, 760 - 14 * n, line)
        c.showPage()
    c.save()
    return pymupdf.open("pdf", out.getvalue())

PERM = pymupdf.PDF_PERM_PRINT
doc = pages("The valve is closed at noon.")
doc.save("protected.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="river", owner_pw="dam", permissions=PERM)
doc.save("protected-rc4.pdf", encryption=pymupdf.PDF_ENCRYPT_RC4_128, user_pw="river", owner_pw="dam", permissions=PERM)
doc.save("owner-only.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_128, user_pw="", owner_pw="dam", permissions=PERM)

doc = pages("Preface", "Chapter One\nThe river rises.", "Chapter Two\nThe river falls.")
doc.set_metadata({"title": "Water – a report", "author": "Ana Ríos", "creationDate": "D:20240506070809+02'00'"})
doc.set_toc([[1, "Chapter One", 2], [2, "Chapter Two", 3]])
doc.set_page_labels([{"startpage": 0, "prefix": "", "style": "r", "firstpagenum": 1},
                     {"startpage": 1, "prefix": "", "style": "D", "firstpagenum": 1}])
doc.embfile_add("levels.csv", b"day,level\n1,2\n", filename="levels.csv", ufilename="levels.csv")
page = doc[1]
page.add_text_annot((300, 300), "Check the gauge.")
widget = pymupdf.Widget()
widget.field_type = pymupdf.PDF_WIDGET_TYPE_TEXT
widget.field_name, widget.field_value, widget.rect = "Operator", "M. Okafor", pymupdf.Rect(72, 400, 272, 420)
page.add_widget(widget)
doc.save("structure.pdf", garbage=3, deflate=True)

doc = pymupdf.open()
page = doc.new_page()
pix = pymupdf.Pixmap(pymupdf.csGRAY, (0, 0, 8, 8), False)
pix.clear_with(200)
page.insert_image(page.rect, pixmap=pix)
doc.save("scanned.pdf", garbage=3, deflate=True)
