/** Small previews of pictures and videos, made here so that the message is worth seeing before the file has come. */

/** Edges in pixels, tried until the JPEG is small enough. */
const EDGES = [480, 320, 240, 160, 96];
const QUALITIES = [0.8, 0.6, 0.4];
/** Videos often begin with black: the picture is from here, or from earlier in a short one. */
const FRAME_AT_S = 1;
/** A video that shows nothing for so long goes without a picture. */
const FRAME_MS = 15_000;

/**
 * A JPEG of at most `maxBytes`, of a picture or of a frame of a video; `undefined` for other files, and when the browser
 * can't read it or make one so small.
 */
export async function makeThumbnail(file: Blob, maxBytes: number): Promise<Blob | undefined> {
  let bitmap: ImageBitmap;
  try {
    if (file.type.startsWith('image/')) bitmap = await createImageBitmap(file);
    else if (file.type.startsWith('video/')) bitmap = await frameOf(file);
    else return undefined;
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

/** A frame from the beginning of a video. Rejects when there is none. */
async function frameOf(file: Blob): Promise<ImageBitmap> {
  const video = document.createElement('video');
  const url = URL.createObjectURL(file);
  try {
    video.muted = true;
    video.playsInline = true;
    video.preload = 'auto';
    video.src = url;
    await happened(video, 'loadeddata');
    // What a browser has recorded doesn't say how long it is.
    if (Number.isFinite(video.duration)) {
      video.currentTime = Math.min(FRAME_AT_S, video.duration / 4);
      await happened(video, 'seeked');
    }
    return await createImageBitmap(video);
  } finally {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(url);
  }
}

function happened(video: HTMLVideoElement, event: 'loadeddata' | 'seeked'): Promise<void> {
  return new Promise((resolve, reject) => {
    video.addEventListener(event, () => resolve(), { once: true });
    video.addEventListener('error', () => reject(video.error), { once: true });
    AbortSignal.timeout(FRAME_MS).addEventListener('abort', () => reject(new Error(`no ${event}`)));
  });
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
