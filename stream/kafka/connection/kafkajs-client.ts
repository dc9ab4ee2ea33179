import kafkajs, { type Kafka, type KafkaConfig, type LogEntry, type SASLOptions } from 'kafkajs';
import type { Logger } from '../../stream.js';
import type { Cluster } from './cluster.js';
import { tlsOptions } from './connection.js';
import { FramedSockets } from './framed-sockets.js';
import { oauthBearer } from './oauth-bearer.js';

const CLIENT_ID = 'sealstream';

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Closes all its connections for good, whatever it is waiting for. */
  end(): void;
}

/** kafkajs through its public API, for what needs no data plane: group membership. */
export function createKafkaClient(cluster: Cluster): KafkaClient {
  const { security, timeoutMs, logger } = cluster;
  const sockets = new FramedSockets();
  const config: KafkaConfig = {
    clientId: CLIENT_ID,
    // kafkajs gives up where it begins with one that is dead and the list is long.
    brokers: async () => [await cluster.answering()],
    ssl: tlsOptions(security) ?? false,
    socketFactory: sockets.factory,
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    // Its default, ten seconds, renews a shorter session with every request; brokers refuse that.
    reauthenticationThreshold: 1_000,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => forward(entry, logger),
  };
  const life = new AbortController();
  const sasl = saslOptions(cluster, life.signal);
  const kafka = new kafkajs.Kafka(sasl === undefined ? config : { ...config, sasl });
  return {
    kafka,
    end: () => {
      life.abort();
      sockets.end();
    },
  };
}

function saslOptions(
  { security: { sasl }, timeoutMs }: Cluster,
  signal: AbortSignal,
): KafkaConfig['sasl'] {
  if (sasl === undefined) return undefined;
  if (sasl.mechanism === 'oauthbearer') return oauthBearer(sasl.token, timeoutMs, signal);
  const { mechanism, username, password } = sasl;
  return { mechanism, username, password } as SASLOptions;
}

/** Message, place and error text only: kafkajs attaches whole objects. What it calls an error is, as
 * a rule, a coordinator still being elected, which it goes on to retry. */
function forward({ level, namespace, log }: LogEntry, logger: Logger | null): void {
  if (logger === null) return;
  const fields: Record<string, string> = { namespace };
  for (const key of ['broker', 'groupId', 'error']) {
    const value = log[key];
    if (typeof value === 'string') fields[key] = value;
  }
  const message = `kafkajs: ${log.message}`;
  if (level <= kafkajs.logLevel.ERROR) logger.warn(fields, message);
  else if (level <= kafkajs.logLevel.WARN) logger.info(fields, message);
  else logger.debug(fields, message);
}
