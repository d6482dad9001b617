/** Small previews of pictures, made here so that the message is worth seeing before the file has come. */

/** Edges in pixels, tried until the JPEG is small enough. */
const EDGES = [480, 320, 240, 160, 96];
const QUALITIES = [0.8, 0.6, 0.4];

/** A JPEG of at most `maxBytes`; `undefined` when the browser can't read the picture or make one so small. */
export async function makeThumbnail(picture: Blob, maxBytes: number): Promise<Blob | undefined> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(picture);
  } catch {
    return undefined;
  }
  try {
    for (const edge of EDGES) {
      const canvas = draw(bitmap, edge);
      for (const quality of QUALITIES) {
        const jpeg = await toJpeg(canvas, quality);
        if (jpeg && jpeg.size <= maxBytes) return jpeg;
      }
    }
    return undefined;
  } finally {
    bitmap.close();
  }
}

/** Width and height with the longer side at most `edge`, never enlarged, at least 1 pixel. */
export function fitted(width: number, height: number, edge: number): readonly [number, number] {
  const scale = Math.min(1, edge / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

function draw(bitmap: ImageBitmap, edge: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = fitted(bitmap.width, bitmap.height, edge);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2d context');
  // JPEG has no transparency: without this it would be black.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function toJpeg(canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
}
