// Decodes a JPEG into something that can be drawn.

/** Decode a picture; the result has a `close()`. Raises if the picture cannot be decoded. */
export async function decode(jpeg) {
  // ImageDecoder needs no blob, but browsers have it only on secure pages, not on pages from other machines.
  if (!("ImageDecoder" in window)) return createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const decoder = new ImageDecoder({ data: jpeg, type: "image/jpeg" });
  try {
    return (await decoder.decode()).image;
  } finally {
    decoder.close();
  }
}
