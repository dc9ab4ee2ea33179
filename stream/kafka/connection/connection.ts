import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { asSealstreamError, SealstreamError } from '../../../ledger/error.js';
import type { KafkaSecurity, Logger } from '../../stream.js';
import type { ApiVersions } from '../protocol/api-versions.js';
import { type Link, type LinkRequest, openLink } from './transport.js';

const DEFAULT_MAX_RESPONSE_BYTES = 128 * 1024 * 1024;

/** `nodeId` is −1 for an address that a user gave: which broker answers there is not known yet. */
export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface ConnectionSettings {
  readonly clientId: string;
  readonly security: KafkaSecurity;
  readonly logger: Logger | null;
  /** Default 128 MiB. */
  readonly maxResponseBytes?: number;
  /** A response is looked at only until the next one was read and another asked for. Default false. */
  readonly recycle?: boolean;
}

interface KafkaRequest extends LinkRequest {
  /** For everything: connecting, if need be, authenticating, sending and the response. */
  readonly timeoutMs: number;
}

/**
 * A dedicated connection to one broker with one owner. It connects on first use and again after it
 * was lost. Requests are answered in the order in which they were sent.
 *
 * Errors: `unreachable` (not connected, or lost before the response: whether the broker acted on the
 * request is open), `timeout` (likewise open; the connection is given up, with all that is under
 * way on it, since every later response would wait behind the missing one), `unauthorized` (SASL
 * refused), `configuration` (a certificate that one side does not trust), `malformed` (not Kafka's protocol),
 * `closed`.
 */
export interface BrokerConnection {
  readonly broker: BrokerAddress;
  /** `host:port`, for messages. */
  readonly name: string;
  /** What the broker speaks; asked once per connection. */
  versions(timeoutMs: number): Promise<ApiVersions>;
  /** The response after its header (flexible: after the header's tagged fields). */
  request(request: KafkaRequest): Promise<Uint8Array>;
  /** Drops the connection and rejects what is under way; the next request opens a new one. */
  reset(): void;
  /** Drops it for good; leaves no handle open. */
  close(): void;
}

export function openConnection(
  broker: BrokerAddress,
  settings: ConnectionSettings,
): BrokerConnection {
  return new LazyConnection(broker, settings);
}

interface Attempt {
  readonly link: Promise<Link>;
  readonly controller: AbortController;
  opened: Link | null;
}

class LazyConnection implements BrokerConnection {
  readonly broker: BrokerAddress;
  readonly name: string;
  readonly #settings: ConnectionSettings;
  #attempt: Attempt | null = null;
  #closed = false;

  constructor(broker: BrokerAddress, settings: ConnectionSettings) {
    this.broker = broker;
    this.name = `${broker.host}:${broker.port}`;
    this.#settings = settings;
  }

  async versions(timeoutMs: number): Promise<ApiVersions> {
    return this.#within(timeoutMs, 'connecting', async (link) => link.versions);
  }

  async request(request: KafkaRequest): Promise<Uint8Array> {
    return this.#within(request.timeoutMs, request.apiName, (link) => link.request(request));
  }

  async #within<T>(timeoutMs: number, what: string, use: (link: Link) => Promise<T>): Promise<T> {
    if (this.#closed) throw new SealstreamError('closed', `${this.name}: already closed`);
    const attempt = this.#current(timeoutMs);
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `${this.name}: no answer within ${Math.ceil(timeoutMs)} ms (${what})`;
        reject(new SealstreamError('timeout', message));
        this.#drop(attempt, new Error('given up: a request ahead was not answered'));
      }, timeoutMs);
    });
    try {
      return await Promise.race([attempt.link.then(use), expired]);
    } catch (error) {
      throw classify(error, this.name, what);
    } finally {
      clearTimeout(timer);
    }
  }

  #current(timeoutMs: number): Attempt {
    const running = this.#attempt;
    if (running !== null && (running.opened === null || running.opened.connected)) return running;
    if (running !== null) this.#drop(running, new Error('the connection was lost'));
    const controller = new AbortController();
    const { security } = this.#settings;
    const link = openLink(
      {
        host: this.broker.host,
        port: this.broker.port,
        clientId: this.#settings.clientId,
        tls: tlsOptions(security),
        sasl: security.sasl ?? null,
        timeoutMs,
        maxResponseBytes: this.#settings.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
        recycle: this.#settings.recycle ?? false,
        logger: this.#settings.logger,
      },
      controller.signal,
    );
    const attempt: Attempt = { link, controller, opened: null };
    link.then(
      (opened) => {
        attempt.opened = opened;
        if (controller.signal.aborted) opened.destroy(new Error('given up'));
      },
      () => {
        // A request that waits for the link reports it; the next one tries anew.
        if (this.#attempt === attempt) this.#attempt = null;
      },
    );
    this.#attempt = attempt;
    return attempt;
  }

  #drop(attempt: Attempt, reason: Error): void {
    if (this.#attempt === attempt) this.#attempt = null;
    attempt.controller.abort(reason);
    attempt.opened?.destroy(reason);
  }

  reset(): void {
    if (this.#attempt !== null) this.#drop(this.#attempt, new Error('reset by its owner'));
  }

  close(): void {
    this.#closed = true;
    if (this.#attempt !== null) this.#drop(this.#attempt, new Error('closed by its owner'));
  }
}

/** As kafkajs and node:tls take it; null: no TLS. */
export function tlsOptions(security: KafkaSecurity): ConnectionOptions | null {
  const { tls } = security;
  if (tls === undefined || tls === false) return null;
  return tls === true ? {} : { ...tls };
}

/** Throws `configuration` where node:tls cannot use them: with a first connection it would look like
 * a broker that cannot be reached. */
export function checkTls(security: KafkaSecurity): void {
  try {
    createSecureContext(tlsOptions(security) ?? {});
  } catch (error) {
    throw asSealstreamError(error, 'configuration', 'kafka.tls: ca, cert and key');
  }
}

const CERTIFICATE_CODES = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Alerts that a broker sends about our certificate, or about its absence. */
const REFUSED_CERTIFICATE = new Set([
  'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
  'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
]);

const REFUSED_SASL = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);

/** What kafkajs, node:tls and node:net throw, as ours. */
export function classify(error: unknown, broker: string, what: string): SealstreamError {
  const ours = wrapped(error);
  if (ours !== null) return ours;
  const { message, name, code, type } = describeError(error);
  const cause = { cause: error };
  const right = refusedRight(error);
  if (right !== null) {
    return new SealstreamError(
      'unauthorized',
      `${broker}: ${what}: ${message}: grant the right that is missing (${right})`,
      cause,
    );
  }
  if (name === 'KafkaJSSASLAuthenticationError' || REFUSED_SASL.has(type)) {
    return new SealstreamError(
      'unauthorized',
      `${broker}: SASL was refused (${message}): check the mechanism, user and password`,
      cause,
    );
  }
  if (CERTIFICATE_CODES.has(code)) {
    return new SealstreamError(
      'configuration',
      `${broker}: the broker's certificate is not trusted (${code}): check kafka.tls`,
      cause,
    );
  }
  if (REFUSED_CERTIFICATE.has(code)) {
    return new SealstreamError(
      'configuration',
      `${broker}: the broker refuses our certificate, or wants one (${code}): check kafka.tls's ` +
        'cert and key',
      cause,
    );
  }
  return new SealstreamError('unreachable', `${broker}: ${what}: ${message}`, cause);
}

/** An error of our own, however deep kafkajs has wrapped it. */
function wrapped(error: unknown): SealstreamError | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof SealstreamError) return inner;
  }
  return null;
}

/** Kafka's name for the right that a broker missed, however deep kafkajs has wrapped it. */
function refusedRight(error: unknown): string | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    const { type } = describeError(inner);
    if (type.endsWith('_AUTHORIZATION_FAILED')) return type;
  }
  return null;
}

function describeError(error: unknown) {
  const text = (key: string) => {
    const value = error instanceof Error ? Reflect.get(error, key) : undefined;
    return typeof value === 'string' ? value : '';
  };
  const message = error instanceof Error ? error.message : String(error);
  return { message, name: text('name'), code: text('code'), type: text('type') };
}
