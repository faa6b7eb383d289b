"""The image pipeline in a browser: the page, and the server that shows it; needs `pip install 'penstock[gui]'`."""
