/** Everything that a broker's properties file depends on. Ports are on 127.0.0.1. */
export interface NodeSettings {
  readonly id: number;
  readonly logDirectory: string;
  readonly port: number;
  readonly controllerPort: number;
  /** A SASL_PLAINTEXT listener with SCRAM-SHA-512 and ACLs; null: none. */
  readonly saslPort: number | null;
  /** A SASL_SSL listener that wants client certificates; null: none. */
  readonly secure: SecureListener | null;
  /** A second plain listener, which clients are told to reach by a port of somebody else's. */
  readonly proxied: { readonly port: number; readonly advertisedPort: number } | null;
  /** Added to the file, or put in the place of what it says otherwise. */
  readonly properties: Readonly<Record<string, string>>;
  /** Every node of the cluster, this one included. */
  readonly voters: readonly { readonly id: number; readonly controllerPort: number }[];
}

/** PEM files; every user of SCRAM_USERS may log in with every mechanism. */
interface SecureListener {
  readonly port: number;
  /** Private key and certificate. */
  readonly keyStore: string;
  readonly trustStore: string;
  readonly users: readonly { readonly name: string; readonly password: string }[];
  readonly sessionMs: number;
}

/** The properties of one combined broker and controller, tuned to start fast and to react fast. */
export function brokerProperties(node: NodeSettings): string {
  const nodes = node.voters.length;
  const inSync = nodes > 1 ? 2 : 1;
  return [
    'process.roles=broker,controller',
    `node.id=${node.id}`,
    `controller.quorum.voters=${node.voters
      .map((voter) => `${voter.id}@127.0.0.1:${voter.controllerPort}`)
      .join(',')}`,
    ...listeners(node),
    `log.dirs=${node.logDirectory}`,
    'auto.create.topics.enable=false',
    'offsets.topic.num.partitions=1',
    `offsets.topic.replication.factor=${nodes}`,
    'transaction.state.log.num.partitions=1',
    `transaction.state.log.replication.factor=${nodes}`,
    `transaction.state.log.min.isr=${inSync}`,
    'share.coordinator.state.topic.num.partitions=1',
    `share.coordinator.state.topic.replication.factor=${nodes}`,
    `share.coordinator.state.topic.min.isr=${inSync}`,
    'group.initial.rebalance.delay.ms=0',
    'num.network.threads=2',
    'num.io.threads=2',
    'log.cleaner.dedupe.buffer.size=2097152',
    'log.cleaner.backoff.ms=500',
    'log.initial.task.delay.ms=500',
    'log.retention.check.interval.ms=1000',
    'log.segment.delete.delay.ms=1000',
    'broker.heartbeat.interval.ms=500',
    'broker.session.timeout.ms=4000',
    'replica.lag.time.max.ms=5000',
    // Where a name comes twice, the last one counts.
    ...Object.entries(node.properties).map(([name, value]) => `${name}=${value}`),
    '',
  ].join('\n');
}

function listeners(node: NodeSettings): string[] {
  const open = [`PLAINTEXT://127.0.0.1:${node.port}`];
  const advertised = [...open];
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT'];
  const security: string[] = [];
  if (node.saslPort !== null) {
    open.push(`CLIENT://127.0.0.1:${node.saslPort}`);
    advertised.push(`CLIENT://127.0.0.1:${node.saslPort}`);
    protocols.push('CLIENT:SASL_PLAINTEXT');
    security.push(
      'sasl.enabled.mechanisms=SCRAM-SHA-512',
      'listener.name.client.scram-sha-512.sasl.jaas.config=' +
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // The loopback listeners between brokers have no principal of their own.
      'super.users=User:admin;User:ANONYMOUS',
    );
  }
  if (node.secure !== null) {
    open.push(`SECURE://127.0.0.1:${node.secure.port}`);
    advertised.push(`SECURE://localhost:${node.secure.port}`);
    protocols.push('SECURE:SASL_SSL');
    security.push(...secureListener(node.secure));
  }
  if (node.proxied !== null) {
    open.push(`PROXIED://127.0.0.1:${node.proxied.port}`);
    advertised.push(`PROXIED://127.0.0.1:${node.proxied.advertisedPort}`);
    protocols.push('PROXIED:PLAINTEXT');
  }
  return [
    `listeners=${open.join(',')},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    `advertised.listeners=${advertised.join(',')}`,
    `listener.security.protocol.map=${protocols.join(',')}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    ...security,
  ];
}

function secureListener({ keyStore, trustStore, users, sessionMs }: SecureListener): string[] {
  const prefix = 'listener.name.secure.';
  const plain = users.map(({ name, password }) => `user_${name}="${password}"`).join(' ');
  const modules = 'org.apache.kafka.common.security';
  const scram = `${modules}.scram.ScramLoginModule required;`;
  return [
    `${prefix}ssl.keystore.type=PEM`,
    `${prefix}ssl.keystore.location=${keyStore}`,
    `${prefix}ssl.truststore.type=PEM`,
    `${prefix}ssl.truststore.location=${trustStore}`,
    `${prefix}ssl.client.auth=required`,
    `${prefix}sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER`,
    `${prefix}plain.sasl.jaas.config=${modules}.plain.PlainLoginModule required ${plain};`,
    `${prefix}scram-sha-256.sasl.jaas.config=${scram}`,
    `${prefix}scram-sha-512.sasl.jaas.config=${scram}`,
    // Takes unsigned tokens, as long as no other validator is named.
    `${prefix}oauthbearer.sasl.jaas.config=${modules}.oauthbearer.OAuthBearerLoginModule required;`,
    ...['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'].map(
      (mechanism) => `${prefix}${mechanism}.connections.max.reauth.ms=${sessionMs}`,
    ),
  ];
}
