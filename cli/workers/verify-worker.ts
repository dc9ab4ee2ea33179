/** A thread that walks spans of one stream, one after the other; see verify-pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  NOT_WALKED,
  type Span,
  type SpanReport,
  walkSpan,
} from '../../consumer/checkpoint-span.js';
import { SealstreamError } from '../../ledger/error.js';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import type { FromWalker, ToWalker, WalkerData } from './verify-pool.js';

const PROGRESS_MS = 200;

const { place, timing } = workerData as WalkerData;
const port = parentPort;
let stream: Stream | null = null;
let stop = new AbortController();
let walking: Promise<void> = Promise.resolve();

function tell(message: FromWalker): void {
  port?.postMessage(message);
}

async function walk({ span }: Extract<ToWalker, { kind: 'walk' }>): Promise<void> {
  const { signal } = stop;
  let told = performance.now();
  const onProgress = (position: bigint): void => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    tell({ kind: 'progress', position });
  };
  tell({ kind: 'end', report: await walkOn(span, signal, onProgress) });
}

async function walkOn(
  span: Span,
  signal: AbortSignal,
  onProgress: (position: bigint) => void,
): Promise<SpanReport> {
  try {
    // Without a logger: what is worth a warning is met, and said, by the walk in order as well.
    stream ??= await openStream(place.url, place.options);
  } catch (error) {
    if (error instanceof SealstreamError && error.code !== 'internal') return NOT_WALKED;
    throw error;
  }
  return walkSpan(stream, span, { ...timing, signal }, onProgress);
}

async function close(): Promise<void> {
  await walking;
  await stream?.close();
  port?.close();
}

port?.on('message', (message: ToWalker) => {
  if (message.kind === 'walk') {
    stop = new AbortController();
    walking = walk(message);
    return;
  }
  stop.abort();
  if (message.kind === 'close') void close();
});
