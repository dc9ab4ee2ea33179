import { openStream } from '../stream/open.js';
import type { Logger, Stream, StreamOptions } from '../stream/stream.js';

/** A stream as plain data, for a thread to open it; holds secrets. */
export interface StreamPlace {
  readonly url: string;
  readonly options: Pick<StreamOptions, 'kafka' | 'timeoutMs'>;
}

export function openPlace({ url, options }: StreamPlace, log: Logger): Promise<Stream> {
  return openStream(url, { ...options, logger: log });
}
