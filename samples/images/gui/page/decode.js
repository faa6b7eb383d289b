// Makes something that can be drawn of a JPEG.

/** Decode a picture; what comes of it has a `close()`. Raises if that cannot be done. */
export async function decode(jpeg) {
  // Where it is there (not in pages from other machines, which no browser calls secure), it spares the browser a blob.
  if (!("ImageDecoder" in window)) return createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const decoder = new ImageDecoder({ data: jpeg, type: "image/jpeg" });
  try {
    return (await decoder.decode()).image;
  } finally {
    decoder.close();
  }
}
