/** Records a voice message from the microphone, watching how loud it is. */
import { type ReadonlySignal, signal } from '@preact/signals';

export interface Recording {
  readonly file: Blob;
  readonly playingMs: number;
}

/** The first that the browser can make. AAC plays on every phone, Opus in every browser. */
const TYPES = ['audio/mp4;codecs=mp4a.40.2', 'audio/webm;codecs=opus', 'audio/ogg;codecs=opus'];
const LEVEL_MS = 60;
/** Levels that are kept: a few seconds. */
const LEVELS_MAX = 120;
/** Speech keeps well with little. */
const BITS_PER_SECOND = 32_000;

export class VoiceRecorder {
  /** Loudness lately, 0 to 1, a value every 60 ms. */
  readonly levels: ReadonlySignal<readonly number[]>;
  readonly elapsedMs: ReadonlySignal<number>;

  private readonly heard = signal<readonly number[]>([]);
  private readonly elapsed = signal(0);
  private readonly chunks: Blob[] = [];
  private readonly startedAt = performance.now();
  private readonly timer: ReturnType<typeof setInterval>;

  private constructor(
    private readonly stream: MediaStream,
    private readonly recorder: MediaRecorder,
    private readonly audio: AudioContext,
  ) {
    this.levels = this.heard;
    this.elapsedMs = this.elapsed;
    const analyser = audio.createAnalyser();
    analyser.fftSize = 512;
    audio.createMediaStreamSource(stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getByteTimeDomainData(samples);
      this.heard.value = [...this.heard.value.slice(1 - LEVELS_MAX), loudness(samples)];
      this.elapsed.value = performance.now() - this.startedAt;
    }, LEVEL_MS);
    recorder.ondataavailable = ({ data }) => this.chunks.push(data);
    recorder.start();
  }

  /** Whether this page may record: browsers allow it on secure pages only. */
  static get isSupported(): boolean {
    return navigator.mediaDevices !== undefined && 'MediaRecorder' in globalThis;
  }

  /** Rejects when the user or the browser doesn't allow it. */
  static async start(): Promise<VoiceRecorder> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    try {
      const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
      const options = { audioBitsPerSecond: BITS_PER_SECOND, ...(mimeType ? { mimeType } : {}) };
      return new VoiceRecorder(stream, new MediaRecorder(stream, options), new AudioContext());
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  async stop(): Promise<Recording> {
    const playingMs = Math.round(performance.now() - this.startedAt);
    const stopped = new Promise((resolve) => {
      this.recorder.onstop = resolve;
    });
    this.recorder.stop();
    await stopped;
    this.release();
    // The parameters of the type name codecs; nobody needs them in a message.
    const type = this.recorder.mimeType.split(';')[0] ?? 'audio/webm';
    return { file: new Blob(this.chunks, { type }), playingMs };
  }

  cancel(): void {
    if (this.recorder.state !== 'inactive') this.recorder.stop();
    this.release();
  }

  private release(): void {
    clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    void this.audio.close();
  }
}

/** Root mean square of 8-bit samples around 128, raised so that quiet speech is seen. */
function loudness(samples: Uint8Array): number {
  let sum = 0;
  for (const sample of samples) sum += ((sample - 128) / 128) ** 2;
  return Math.min(1, Math.sqrt(sum / samples.length) * 3);
}
