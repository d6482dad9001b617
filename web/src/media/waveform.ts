/** Waveforms of voice messages: a few bars between 0 and 1. */

export const BARS = 40;
/** Larger recordings are not decoded just to draw them. */
const DECODE_MAX_BYTES = 2 * 1024 * 1024;

/** Levels cut into `bars` equal stretches, the loudest of each, the loudest of all at 1. */
export function bars(levels: ArrayLike<number>, count: number = BARS): number[] {
  const peaks = new Array<number>(count).fill(0);
  if (levels.length === 0) return peaks;
  for (let bar = 0; bar < count; bar++) {
    const from = Math.floor((bar * levels.length) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * levels.length) / count));
    for (let i = from; i < to; i++) peaks[bar] = Math.max(peaks[bar] ?? 0, Math.abs(levels[i] ?? 0));
  }
  const loudest = Math.max(...peaks);
  return loudest > 0 ? peaks.map((peak) => peak / loudest) : peaks;
}

/** The bars of a recording; `undefined` when it is too large or of a kind that the browser can't decode. */
export async function barsOf(recording: Blob): Promise<number[] | undefined> {
  if (recording.size > DECODE_MAX_BYTES || !('OfflineAudioContext' in globalThis)) return undefined;
  try {
    // Decoding doesn't play: a low rate is enough to see where somebody spoke.
    const context = new OfflineAudioContext(1, 1, 8000);
    const audio = await context.decodeAudioData(await recording.arrayBuffer());
    return bars(audio.getChannelData(0));
  } catch {
    return undefined;
  }
}
