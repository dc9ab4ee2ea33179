import { SealstreamError } from '../ledger/error.js';
import type { Administration } from './administration.js';
import { checkedStream } from './checked.js';
import { checkPlace } from './given.js';
import type { Stream, StreamOptions } from './stream.js';

/**
 * Opens the stream that `place` names: `file:PATH` (embedded, an archive, a stopped broker's disk) or
 * `kafka://host:port,host:port`. The adapter is loaded only now, so that a verifier of files runs
 * with no Kafka client installed. Throws `configuration` on any other scheme, `usage`
 * on options that are none.
 */
export async function openStream(place: string, given: StreamOptions = {}): Promise<Stream> {
  const { url, options } = checkPlace(place, given);
  const scheme = url.slice(0, url.indexOf(':') + 1);
  if (scheme === 'file:') {
    const { openSegments } = await import('./segments/segments.js');
    return checkedStream(await openSegments(url, options));
  }
  if (scheme === 'kafka:') {
    const { openKafka } = await import('./kafka/kafka.js');
    return checkedStream(await openKafka(url, options));
  }
  throw unknownScheme(url);
}

/** Opens what openStream opens, for those who set it up: see stream/administration.ts. */
export async function openAdministration(
  place: string,
  given: StreamOptions = {},
): Promise<Administration> {
  const { url, options } = checkPlace(place, given);
  const scheme = url.slice(0, url.indexOf(':') + 1);
  if (scheme === 'file:') {
    const { openSegmentsAdministration } = await import('./segments/administration.js');
    return openSegmentsAdministration(url);
  }
  if (scheme === 'kafka:') {
    const { openKafkaAdministration } = await import('./kafka/administration/administration.js');
    return openKafkaAdministration(url, options);
  }
  throw unknownScheme(url);
}

function unknownScheme(url: string): SealstreamError {
  return new SealstreamError(
    'configuration',
    `stream: "${withoutSecrets(url)}" has no known scheme; use file:PATH or kafka://host:port`,
  );
}

/** Scheme and host of a URL that may hold a password; what has no scheme, from its last @ on. */
export function withoutSecrets(url: string): string {
  const [, scheme = '', rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)?(.*)$/s.exec(url) ?? [];
  const host = rest.slice(rest.lastIndexOf('@') + 1);
  return scheme + (scheme === '' ? host : host.replace(/[/?#].*$/s, ''));
}
