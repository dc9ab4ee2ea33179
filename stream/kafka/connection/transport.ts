/**
 * One TCP or TLS connection to a broker, authenticated by SASL where asked: kafkajs's own, which is
 * not part of its public API. Only this file and framed-sockets.ts import from there.
 */
import type { ConnectionOptions } from 'node:tls';
import Connection, { type InternalLogger } from 'kafkajs/src/network/connection.js';
import createSocketFactory from 'kafkajs/src/network/socketFactory.js';
import { asSealstreamError, malformed } from '../../../ledger/error.js';
import type { Logger, SaslSettings } from '../../stream.js';
import { API_VERSIONS, type ApiVersions, decodeApiVersions } from '../protocol/api-versions.js';
import { WireReader } from '../protocol/reader.js';
import { WireWriter } from '../protocol/writer.js';
import { FrameReader } from './frame-reader.js';
import { oauthBearer } from './oauth-bearer.js';
import { recyclingSockets } from './recycling-sockets.js';

const LENGTH_BYTES = 4;
const CORRELATION_BYTES = 4;

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly tls: ConnectionOptions | null;
  readonly sasl: SaslSettings | null;
  /** For connecting, and for each step of the SASL exchange. */
  readonly timeoutMs: number;
  /** A longer response ends the connection before it is read. */
  readonly maxResponseBytes: number;
  /** A response is looked at only until the one after the next may come in: its memory is used again. */
  readonly recycle: boolean;
  readonly logger: Logger | null;
}

export interface LinkRequest {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  /** This version has flexible headers: tagged fields after the client id and the correlation id. */
  readonly flexible: boolean;
  /** What follows the request header. Sent as it is, not copied: do not change it until answered. */
  readonly body: Uint8Array;
}

/** A connection that was opened, told its versions and authenticated. Dead once it is lost. */
export interface Link {
  readonly versions: ApiVersions;
  readonly connected: boolean;
  /** What follows the response header. Rejects when the connection is lost; there is no time limit
   * of its own beyond an hour. */
  request(request: LinkRequest): Promise<Uint8Array>;
  /** Rejects what is under way with `reason` and leaves no handle open. */
  destroy(reason: Error): void;
}

const REQUEST_LIMIT_MS = 3_600_000;
/** Share of a session's lifetime. */
const RENEWED_EARLY = 1 / 3;

/** Reads what comes in by itself: kafkajs trusts the length that a response claims, and takes an
 * answer to another request for none. */
class FramedConnection extends Connection {
  readonly #frames: FrameReader;
  readonly #life: AbortController;

  constructor(options: LinkOptions) {
    const life = new AbortController();
    super({
      host: options.host,
      port: options.port,
      logger: quietLogger(options.logger, `${options.host}:${options.port}`),
      socketFactory: options.recycle
        ? recyclingSockets((data) => this.processData(data))
        : createSocketFactory(),
      clientId: options.clientId,
      ssl: options.tls,
      sasl: saslMechanism(options, life.signal),
      connectionTimeout: options.timeoutMs,
      requestTimeout: options.timeoutMs,
    });
    this.#life = life;
    this.#frames = new FrameReader(options.maxResponseBytes, options.recycle);
  }

  override processData(data: Buffer): void {
    try {
      this.#frames.read(data, (response) => this.#complete(response));
    } catch (error) {
      this.socket?.destroy(asSealstreamError(error, 'malformed', this.broker));
    }
  }

  #complete(response: Buffer): void {
    const correlationId = response.readInt32BE(0);
    const [next] = this.requestQueue.inflight.keys();
    if (correlationId !== next) {
      const expected = next === undefined ? 'nothing was asked' : `${next} is next`;
      throw malformed(`an answer to request ${correlationId}, where ${expected}`);
    }
    this.requestQueue.fulfillRequest({
      correlationId,
      payload: response.subarray(CORRELATION_BYTES),
      size: response.length,
    });
  }

  /** kafkajs renews a session ten seconds before its end: where sessions are shorter, before every
   * request, which a broker refuses within a second of the last time. */
  renewInTime(): void {
    const lifetimeMs = Number(this.sessionLifetime.toString());
    const early = Math.floor(lifetimeMs * RENEWED_EARLY);
    this.reauthenticationThreshold = Math.min(this.reauthenticationThreshold, early);
  }

  exchange(request: LinkRequest): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.failIfNotConnected();
      const { apiKey, apiName, apiVersion, body } = request;
      const correlationId = this.nextCorrelationId();
      const header = encodeHeader(request, correlationId, this.clientId);
      this.requestQueue.push({
        entry: {
          apiKey,
          apiName,
          apiVersion,
          correlationId,
          resolve: ({ payload }) => resolve(payload),
          reject,
        },
        expectResponse: true,
        requestTimeout: REQUEST_LIMIT_MS,
        sendRequest: () => {
          const socket = this.socket;
          socket?.cork();
          socket?.write(header);
          socket?.write(body);
          socket?.uncork();
        },
      });
    });
  }

  destroy(reason: Error): void {
    this.#life.abort(reason);
    this.rejectRequests(reason);
    this.requestQueue.destroy();
    // With an error, so that kafkajs clears its connect timer and settles a connect under way.
    this.socket?.destroy(reason);
  }
}

/** A new object for each connection: kafkajs keeps its authentication provider in it. */
function saslMechanism({ sasl, timeoutMs }: LinkOptions, signal: AbortSignal) {
  if (sasl === null) return null;
  if (sasl.mechanism === 'oauthbearer') return oauthBearer(sasl.token, timeoutMs, signal);
  return { ...sasl };
}

/** Length, then request header v1, or v2 with no tagged fields. */
function encodeHeader(request: LinkRequest, correlationId: number, clientId: string): Uint8Array {
  const header = new WireWriter(64)
    .int32(0)
    .int16(request.apiKey)
    .int16(request.apiVersion)
    .int32(correlationId)
    .string(clientId);
  if (request.flexible) header.noTags();
  const bytes = header.finish();
  const length = bytes.length - LENGTH_BYTES + request.body.length;
  new DataView(bytes.buffer, bytes.byteOffset).setInt32(0, length);
  return bytes;
}

/** Opens one; rejects with kafkajs's or the operating system's error. */
export async function openLink(options: LinkOptions, signal: AbortSignal): Promise<Link> {
  signal.throwIfAborted();
  const broker = `${options.host}:${options.port}`;
  const connection = new FramedConnection(options);
  const abort = () => connection.destroy(new Error('given up'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await connection.connect();
    const answer = await connection.exchange({
      apiKey: API_VERSIONS.key,
      apiName: API_VERSIONS.name,
      apiVersion: API_VERSIONS.version,
      flexible: false,
      body: new Uint8Array(0),
    });
    const versions = decodeApiVersions(answer, broker);
    connection.setVersions(Object.fromEntries(versions));
    connection.setSupportAuthenticationProtocol(true);
    await connection.authenticate();
    connection.renewInTime();
    signal.throwIfAborted();
    return createLink(connection, versions, broker);
  } catch (error) {
    connection.destroy(new Error('could not be opened', { cause: error }));
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function createLink(connection: FramedConnection, versions: ApiVersions, broker: string): Link {
  return {
    versions,
    get connected() {
      return connection.isConnected();
    },
    async request(request) {
      // Does something only where a SASL session is about to end.
      await connection.authenticate();
      const response = await connection.exchange(request);
      if (!request.flexible) return response;
      const what = `the ${request.apiName} v${request.apiVersion} response of ${broker}`;
      const reader = new WireReader(response, what);
      reader.tags();
      return reader.raw(reader.remaining);
    },
    destroy: (reason) => connection.destroy(reason),
  };
}

/** kafkajs's messages without the objects that it attaches, which may hold requests. All of them at
 * debug level: what matters reaches the caller as an error. */
function quietLogger(logger: Logger | null, broker: string): InternalLogger {
  const write = (message: string) => logger?.debug({ broker }, `kafkajs: ${message}`);
  const quiet: InternalLogger = {
    namespace: () => quiet,
    debug: () => {},
    info: write,
    warn: write,
    error: write,
  };
  return quiet;
}
