import { SealstreamError } from '../ledger/error.js';
import type { Bounds, Fetched, Reader, Stray, Stream, TopicIdentity } from './stream.js';

const DEFAULT_TIMEOUT_MS = 30_000;
const POLL_MS = 500;
const PAUSE_MS = 50;

export interface ReadRange {
  readonly partition: number;
  readonly from: bigint;
  /** Exclusive. Default: the high watermark when reading starts. */
  readonly until?: bigint;
}

export interface ReadOptions {
  /** How long to go on without progress. Default 30 000 ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Bytes asked for per poll; see ReaderOptions. */
  readonly maxBytes?: number;
  /** What was read is looked at only until more is asked for; see ReaderOptions. */
  readonly recycle?: boolean;
  /** The caller looks at `strays`; else the first one ends the reading as `batch-corrupt`. */
  readonly withStrays?: boolean;
}

/** A place to look at, and about how many bytes of what is handed out there. */
export interface Look {
  readonly offset: bigint;
  readonly bytes: number;
}

/**
 * Reads one partition in order, from `from` until the position has reached `until`. A batch may
 * hold records at or above `until`: the caller cuts. Throws what the stream said at once, except
 * class `retry`: that only after `timeoutMs` without progress, and `timeout` where the stream
 * answers but never comes as far as `until`.
 */
export async function* readRange(
  stream: Stream,
  topic: TopicIdentity,
  range: ReadRange,
  options: ReadOptions = {},
): AsyncGenerator<Fetched> {
  const patience = new Patience(options);
  const { partition } = range;
  const until = range.until ?? (await boundsOf(stream, topic, partition, patience)).highWatermark;
  if (range.from >= until) return;
  const reader = await openReader(stream, topic, options, patience);
  try {
    reader.seek({ partition, offset: range.from, until });
    let position = range.from;
    while (position < until) {
      const [fetched] = await reader.poll(Math.min(POLL_MS, patience.left()), options.signal);
      options.signal?.throwIfAborted();
      const isProgress = fetched !== undefined && fetched.next.offset > position;
      if (isProgress || (fetched !== undefined && fetched.strays.length > 0)) {
        position = fetched.next.offset;
        if (isProgress) patience.renew();
        yield fetched;
        if (isProgress) patience.renew();
        const [stray] = fetched.strays;
        if (stray && options.withStrays !== true) throw strayError(topic, partition, stray);
      }
      const error = fetched?.error ?? null;
      if (error !== null) await patience.spend(error);
      else patience.check(() => short(topic, partition, position, until, fetched));
    }
  } finally {
    await reader.close();
  }
}

/**
 * Seeks to each place in turn and yields what is handed out there. Throws as readRange does; an
 * abort too.
 */
export async function* lookAt(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  looks: Iterable<Look>,
  options: ReadOptions = {},
): AsyncGenerator<Fetched> {
  const patience = new Patience(options);
  const reader = await openReader(stream, topic, options, patience);
  try {
    for (const { offset, bytes } of looks) {
      reader.seek({ partition, offset, until: offset + 1n, look: { bytes } });
      for (let seen = false; !seen; ) {
        const [fetched] = await reader.poll(Math.min(POLL_MS, patience.left()), options.signal);
        options.signal?.throwIfAborted();
        const error = fetched?.error ?? null;
        if (error !== null) await patience.spend(error);
        else if (fetched !== undefined && fetched.next.offset > offset) {
          patience.renew();
          yield fetched;
          patience.renew();
          seen = true;
        } else patience.check(() => short(topic, partition, offset, offset + 1n, fetched));
      }
    }
  } finally {
    await reader.close();
  }
}

/** The bounds of one partition, asked again while the stream cannot be reached. */
export async function readBounds(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  options: ReadOptions = {},
): Promise<Bounds> {
  return boundsOf(stream, topic, partition, new Patience(options));
}

async function boundsOf(
  stream: Stream,
  topic: TopicIdentity,
  partition: number,
  patience: Patience,
): Promise<Bounds> {
  for (;;) {
    try {
      const [answer] = await stream.bounds(topic, [partition]);
      if (answer === undefined) throw unanswered(topic, partition);
      if (answer instanceof SealstreamError) throw answer;
      patience.renew();
      return answer;
    } catch (error) {
      await patience.spend(error);
    }
  }
}

async function openReader(
  stream: Stream,
  topic: TopicIdentity,
  options: ReadOptions,
  patience: Patience,
): Promise<Reader> {
  const { maxBytes, recycle = false } = options;
  const wanted = { recycle, ...(maxBytes === undefined ? {} : { maxBytes }) };
  for (;;) {
    try {
      return await stream.reader(topic, wanted);
    } catch (error) {
      await patience.spend(error);
    }
  }
}

/** What a stray is to those who stop at one. */
export function strayError(
  topic: TopicIdentity,
  partition: number,
  { from, to }: Stray,
): SealstreamError {
  return new SealstreamError(
    'batch-corrupt',
    `${topic.topic}/${partition}: a second batch for offsets ${from} to ${to - 1n} stands where no ` +
      'log can have one; keep the segment as evidence',
  );
}

function unanswered(topic: TopicIdentity, partition: number): SealstreamError {
  return new SealstreamError(
    'internal',
    `${topic.topic}/${partition}: the stream gave no answer for the partition asked`,
  );
}

function short(
  topic: TopicIdentity,
  partition: number,
  position: bigint,
  until: bigint,
  fetched: Fetched | undefined,
): SealstreamError {
  const end = fetched?.highWatermark ?? 'unknown';
  return new SealstreamError(
    'timeout',
    `${topic.topic}/${partition}: no record came at offset ${position}, wanted up to ${until}; ` +
      `the stream's high watermark is ${end}`,
  );
}

/** A deadline that moves on with every progress. */
class Patience {
  private readonly timeoutMs: number;
  private readonly signal: AbortSignal | undefined;
  private deadline: number;

  constructor(options: ReadOptions) {
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.signal = options.signal;
    this.deadline = performance.now() + this.timeoutMs;
  }

  renew(): void {
    this.deadline = performance.now() + this.timeoutMs;
  }

  left(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  check(error: () => SealstreamError): void {
    if (this.left() === 0) throw error();
  }

  /** Waits a moment after a failure worth another try; throws it when it is not, or time is up. */
  async spend(error: unknown): Promise<void> {
    this.signal?.throwIfAborted();
    if (!(error instanceof SealstreamError) || error.class !== 'retry') throw error;
    this.check(() => error);
    await new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE_MS, this.left())));
    this.signal?.throwIfAborted();
  }
}
