"""Documents: from an uploaded file's bytes to blocks with locators (`parse`), and from those to passages (`chunk`)."""
