import { isUtf8 } from 'node:buffer';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import { checkOptions, type Kinds, optional, wholeNumber } from '../../ledger/given.js';
import { cloudTrailEvent } from './cloudtrail-event.js';
import { type Element, ElementSplitter } from './json-elements.js';
import { inputError, type Sourced, sourced } from './source.js';

export interface CloudTrailOptions {
  /** Longest record, in bytes of JSON. Default 1 MiB; CloudTrail itself stays below 256 KiB. */
  readonly maxRecordBytes?: number;
  /** Longest file after gunzip, against files made to fill a disk. Default 4 GiB. */
  readonly maxFileBytes?: number;
}

const OPTIONS: Kinds<CloudTrailOptions> = {
  maxRecordBytes: optional(wholeNumber(1)),
  maxFileBytes: optional(wholeNumber(1)),
};

const DEFAULT_MAX_RECORD_BYTES = 1024 * 1024;
const DEFAULT_MAX_FILE_BYTES = 4 * 1024 ** 3;
const MAX_DEPTH = 64;
const GZIP_MAGIC = [0x1f, 0x8b] as const;
/** A JSON string (kept as it is) or a number with more digits than a double holds. */
const STRING_OR_LONG_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]{15,}/gs;

/**
 * A CloudTrail log file, plain or gzip, `{"Records":[…]}`, read as a stream: one record in memory at
 * a time. A record that is no event is an error with its line and index, and the rest goes on; a file
 * that is cut off or of another shape ends with an error, after the records before it.
 */
export async function* cloudTrailSource(
  input: AsyncIterable<Uint8Array>,
  name: string,
  given: CloudTrailOptions = {},
): AsyncGenerator<Sourced> {
  const options = checkOptions(given, OPTIONS, 'cloudTrailSource');
  const maxBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  const splitter = new ElementSplitter('Records', { maxBytes, maxDepth: MAX_DEPTH });
  const maxFileBytes = options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES;
  let bytes = 0;
  try {
    for await (const chunk of unzipped(input)) {
      bytes += chunk.length;
      if (bytes > maxFileBytes) {
        throw new SealstreamError('input-invalid', `the file is larger than ${maxFileBytes} bytes`);
      }
      for (const element of splitter.push(chunk)) yield recordOf(element, name, maxBytes);
    }
    splitter.end();
  } catch (error) {
    const message = asSealstreamError(error, 'input-invalid', 'cannot be read').message;
    yield inputError(name, message, error);
  }
}

function recordOf(element: Element, name: string, maxBytes: number): Sourced {
  const place = `${name}:${element.line} Records[${element.index}]`;
  const { bytes } = element;
  if (bytes === null) {
    return inputError(place, `is longer than ${maxBytes} bytes or nested over ${MAX_DEPTH} deep`);
  }
  if (!isUtf8(bytes)) return inputError(place, 'is no UTF-8 text');
  return sourced(place, () => cloudTrailEvent(parseExactly(Buffer.from(bytes).toString('utf8'))));
}

/** JSON.parse would round long numbers without a word: they become text with the same digits. */
function parseExactly(text: string): unknown {
  return JSON.parse(
    text.replaceAll(STRING_OR_LONG_NUMBER, (token) =>
      token.startsWith('"') ? token : `"${token}"`,
    ),
  );
}

async function* unzipped(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = input[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < GZIP_MAGIC.length) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    start = Buffer.concat([start, value]);
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield start;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  if (start[0] !== GZIP_MAGIC[0] || start[1] !== GZIP_MAGIC[1]) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  // An error of either end destroys gunzip, which then throws it into the loop below.
  pipeline(Readable.from(whole()), gunzip, () => undefined);
  yield* gunzip;
}
