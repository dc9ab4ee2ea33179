/**
 * The identity of a log (FORMAT §1): one log per topic partition, and its origin is the text
 *
 *     <ledger>/<topic>/<topic id>/<partition>
 *
 * at most 255 bytes long. The topic id makes a deleted and re-created topic another log.
 */
import { malformed } from './error.js';
import { type Hash, sha256 } from './hash.js';
import {
  decodeBase64Url,
  decodeSmallDecimal,
  encodeSmallDecimal,
  encodeUtf8,
  quote,
  remembering,
} from './text.js';

export interface Origin {
  /** A schema-less URL that the operator controls. */
  readonly ledger: string;
  readonly topic: string;
  /** The topic's UUID, 22 characters base64url. */
  readonly topicId: string;
  /** 0 … 2^31 − 1. */
  readonly partition: number;
}

export const MAX_ORIGIN_LENGTH = 255;
const SEGMENT = /^[A-Za-z0-9._-]+$/;
const TOPIC = /^[A-Za-z0-9._-]{1,200}$/;
const CHECKPOINT_SUFFIX = '.checkpoints';

/** Throws `malformed` unless `name` is [A-Za-z0-9._-]+ joined by `/`, none of them `.` or `..`. */
export function checkLedgerName(name: string): void {
  if (name.length > MAX_ORIGIN_LENGTH) {
    throw malformed(`the ledger name is longer than ${MAX_ORIGIN_LENGTH} bytes: ${quote(name)}`);
  }
  for (const segment of name.split('/')) {
    if (!SEGMENT.test(segment) || segment === '.' || segment === '..') {
      throw malformed(
        `${quote(name)} is no ledger name: A–Z a–z 0–9 . _ - joined by "/", no "." or ".." alone`,
      );
    }
  }
}

/** Throws `malformed` unless `name` may be an audit topic. */
export function checkTopicName(name: string): void {
  if (!TOPIC.test(name) || name === '.' || name === '..') {
    throw malformed(`${quote(name)} is no topic name: 1 to 200 of A–Z a–z 0–9 . _ -`);
  }
  if (name.endsWith(CHECKPOINT_SUFFIX)) {
    throw malformed(`${quote(name)} ends in ${CHECKPOINT_SUFFIX}, which names checkpoint topics`);
  }
}

/** Throws `malformed` unless `topicId` is 16 bytes, not all zero, in canonical base64url. */
export function checkTopicId(topicId: string): void {
  if (topicId.length !== 22 || decodeBase64Url(topicId).every((byte) => byte === 0)) {
    throw malformed(`${quote(topicId)} is no topic id: 22 characters base64url, not zero`);
  }
}

/** Throws `malformed` where a part is not allowed or the whole is longer than 255 bytes. */
export function formatOrigin(origin: Origin): string {
  checkLedgerName(origin.ledger);
  checkTopicName(origin.topic);
  checkTopicId(origin.topicId);
  const partition = encodeSmallDecimal(origin.partition);
  const text = `${origin.ledger}/${origin.topic}/${origin.topicId}/${partition}`;
  checkLength(text);
  return text;
}

/** Throws `malformed` on anything that formatOrigin would not have written. */
export function parseOrigin(text: string): Origin {
  checkLength(text);
  return readOrigin(text);
}

const readOrigin = remembering((text): Origin => {
  const segments = text.split('/');
  if (segments.length < 4) {
    throw malformed(`${quote(text)} is no origin: <ledger>/<topic>/<topic id>/<partition>`);
  }
  const [topic, topicId, partition] = segments.splice(-3) as [string, string, string];
  const ledger = segments.join('/');
  checkLedgerName(ledger);
  checkTopicName(topic);
  checkTopicId(topicId);
  return Object.freeze({ ledger, topic, topicId, partition: decodeSmallDecimal(partition) });
});

function checkLength(text: string): void {
  if (text.length > MAX_ORIGIN_LENGTH) {
    throw malformed(`an origin has at most ${MAX_ORIGIN_LENGTH} bytes: ${quote(text)}`);
  }
}

/** c(−1), what the chain of this log starts from. Throws `malformed` unless it is an origin. */
export function genesis(origin: string): Hash {
  parseOrigin(origin);
  return sha256(encodeUtf8(`sealstream genesis v1\n${origin}\n`));
}
