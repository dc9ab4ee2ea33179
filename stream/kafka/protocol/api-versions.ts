/**
 * ApiVersions (key 18), version 2: the oldest form that every broker with topic ids answers, and not
 * flexible, so it is the same on all of them.
 *
 *   request  => (empty)
 *   response => error_code INT16, [api_key INT16, min_version INT16, max_version INT16],
 *               throttle_time_ms INT32
 */
import { SealstreamError } from '../../../ledger/error.js';
import { WireReader } from './reader.js';

export const API_VERSIONS = { key: 18, name: 'ApiVersions', version: 2 } as const;

const VERSION_RANGE_BYTES = 6;

interface VersionRange {
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** What one broker speaks: API key → versions. */
export type ApiVersions = ReadonlyMap<number, VersionRange>;

/** Throws `malformed`, or `unsupported` where the broker refuses the request. */
export function decodeApiVersions(bytes: Uint8Array, broker: string): ApiVersions {
  const reader = new WireReader(bytes, `the ApiVersions v2 response of ${broker}`);
  const errorCode = reader.int16();
  if (errorCode !== 0) {
    throw new SealstreamError(
      'unsupported',
      `${broker} refuses to tell its API versions (error ${errorCode}): use Kafka 3.7 or later`,
    );
  }
  const versions = new Map<number, VersionRange>();
  reader.array(VERSION_RANGE_BYTES, () => {
    versions.set(reader.int16(), { minVersion: reader.int16(), maxVersion: reader.int16() });
  });
  return versions;
}

/**
 * The newest version of an API that both sides speak; `oldest` and `newest` are ours. Throws
 * `unsupported` where there is none: there is no fallback to a form without topic ids.
 */
export function chooseVersion(
  versions: ApiVersions,
  api: { readonly key: number; readonly name: string },
  oldest: number,
  newest: number,
  broker: string,
): number {
  const range = versions.get(api.key);
  const chosen = Math.min(newest, range?.maxVersion ?? -1);
  if (range === undefined || chosen < oldest || chosen < range.minVersion) {
    const theirs = range ? `${range.minVersion} to ${range.maxVersion}` : 'none';
    throw new SealstreamError(
      'unsupported',
      `${broker} speaks versions ${theirs} of ${api.name}, ` +
        `${oldest} to ${newest} are needed: use Kafka 3.7 or later`,
    );
  }
  return chosen;
}
