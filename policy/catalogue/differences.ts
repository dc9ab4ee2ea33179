import type { Entry } from './entry.js';

/** Where the cluster is not what ledger.yaml declares. */
export const DIFFERENCES = {
  'topic-missing': {
    severity: 'error',
    title: 'A declared topic does not exist',
    why: 'Nothing can be published to it, sealed or verified; where it did exist, its records are gone.',
  },
  'topic-unseen': {
    severity: 'error',
    title: 'A topic cannot be seen',
    why: 'Whether it exists, and keeps its records, is unknown.',
  },
  'topic-undeclared': {
    severity: 'error',
    title: 'A topic of the last recorded configuration is no longer declared',
    why: 'It would be sealed, verified and watched no longer, while it goes on taking events.',
  },
  'ledger-renamed': {
    severity: 'error',
    title: 'The last recorded configuration is of another ledger',
    why: 'Logs are signed by the ledger’s name: under another one none of what was sealed is verified.',
  },
  'topic-recreated': {
    severity: 'error',
    title: 'A topic was deleted and made again',
    why: 'The records of the topic that was there when the configuration was recorded are gone.',
  },
  'log-start-moved': {
    severity: 'error',
    title: 'The first records of a log are gone',
    why: 'A log that keeps everything starts at offset 0: records were deleted, or expired.',
  },
  'partitions-fewer': {
    severity: 'error',
    title: 'A topic has fewer partitions than declared',
    why: 'Events are spread otherwise than declared; a partition once there cannot be taken away.',
  },
  'partitions-more': {
    severity: 'error',
    title: 'A topic has more partitions than declared',
    why: 'The records of an undeclared partition are sealed only once it is adopted.',
  },
  'replication-lower': {
    severity: 'error',
    title: 'A partition has fewer replicas than declared',
    why: 'Fewer brokers have to fail, or to lie together, before acknowledged events are lost.',
  },
  'replication-higher': {
    severity: 'error',
    title: 'The file declares fewer replicas than a topic has',
    why: 'Fewer brokers would have to fail, or to lie together, before acknowledged events are lost.',
  },
  'retention-time': {
    severity: 'error',
    title: 'Retention by time is not unlimited',
    why: 'Brokers delete records that are older, sealed or not.',
  },
  'retention-bytes': {
    severity: 'error',
    title: 'Retention by size is not unlimited',
    why: 'Brokers delete the oldest records once a partition is larger: whoever floods it erases it.',
  },
  'cleanup-policy': {
    severity: 'error',
    title: 'The clean-up policy is not the one that the topic needs',
    why: 'Compaction drops records of an audit topic; its absence lets a checkpoint topic grow for ever.',
  },
  'timestamp-type': {
    severity: 'error',
    title: 'Records do not bear the broker’s time',
    why: 'Publishers could choose the time of a record, and brokers would expire their state by it; of a checkpoint topic, the sealer’s clock is held against no other.',
  },
  'min-insync': {
    severity: 'error',
    title: 'The minimum of in-sync replicas differs',
    why: 'An acknowledged event may be on one broker only, and lost with it.',
  },
  'unclean-election': {
    severity: 'error',
    title: 'Unclean leader election is allowed',
    why: 'A replica that has not every acknowledged record may become leader; the others then delete them.',
  },
  'record-size': {
    severity: 'warning',
    title: 'The largest record that a topic takes differs',
    why: 'Publishers are refused events that the file says are taken, or the reverse.',
  },
  'topic-setting': {
    severity: 'warning',
    title: 'A setting of a topic is not as declared',
    why: 'The topic is not what was reviewed.',
  },
  'setting-inherited': {
    severity: 'warning',
    title: 'A setting has the right value only by default',
    why: 'A change of the broker’s default would change it with nobody touching the topic.',
  },
  'settings-unseen': {
    severity: 'error',
    title: 'The settings of a topic cannot be seen',
    why: 'Whether the topic keeps its records is unknown.',
  },
  'bounds-unseen': {
    severity: 'error',
    title: 'The bounds of a log cannot be seen',
    why: 'Whether its first records are still there is unknown.',
  },
  'auto-create': {
    severity: 'warning',
    title: 'Brokers create topics on demand',
    why: 'A misspelt or deleted topic comes back with default settings, which delete and expire.',
  },
  'delete-topic-enabled': {
    severity: 'warning',
    title: 'Brokers let topics be deleted',
    why: 'One request of an administrator removes a whole ledger.',
  },
  'broker-unclean-election': {
    severity: 'warning',
    title: 'A broker allows unclean leader election by default',
    why: 'It holds for every topic that does not say otherwise, such as the consumer offsets.',
  },
  'allow-everyone': {
    severity: 'error',
    title: 'What no rule mentions is allowed to everyone',
    why: 'A topic without rules is open to all, also for deletion.',
  },
  'allow-everyone-unseen': {
    severity: 'note',
    title: 'Whether what no rule mentions is allowed to everyone is hidden by the broker',
    why: 'It is set in the file of a broker, which shows that it is, and not to what.',
  },
  'broker-settings-unseen': {
    severity: 'warning',
    title: 'The settings of a broker cannot be seen',
    why: 'Whether it deletes, or creates, topics for anyone is unknown.',
  },
  'authorizer-missing': {
    severity: 'error',
    title: 'The cluster has no authorizer',
    why: 'Everyone who reaches a broker may do everything, whatever roles the file declares.',
  },
  'acl-unseen': {
    severity: 'error',
    title: 'The access rules cannot be seen',
    why: 'Who may write, alter or delete is unknown.',
  },
  'acl-missing': {
    severity: 'warning',
    title: 'A declared principal lacks a right of its role',
    why: 'Its publisher, sealer, verifier, inspector or replayer is refused by the brokers.',
  },
  'acl-everyone': {
    severity: 'error',
    title: 'A rule allows something to everyone',
    why: 'Whoever can connect has the right, without being named anywhere.',
  },
  'acl-delete': {
    severity: 'error',
    title: 'Someone may delete',
    why: 'Records, or whole topics, can be removed: seen by verification, but gone.',
  },
  'acl-alter': {
    severity: 'error',
    title: 'Someone undeclared may alter',
    why: 'Retention and clean-up could be set so that brokers delete the records by themselves.',
  },
  'acl-write': {
    severity: 'error',
    title: 'Someone undeclared may write',
    why: 'Events could be forged in the name of services, or the checkpoint topic be flooded.',
  },
  'acl-read': {
    severity: 'warning',
    title: 'Someone undeclared may read',
    why: 'Audit events are personal and confidential; no role of the file allows it.',
  },
  'acl-describe': {
    severity: 'note',
    title: 'Someone undeclared may describe',
    why: 'Names, sizes and settings of the ledger’s topics are seen; no event is.',
  },
  'acl-group': {
    severity: 'warning',
    title: 'Someone undeclared may join the sealers’ group',
    why: 'Partitions would be given to a member that does not seal them.',
  },
  'acl-cluster': {
    severity: 'error',
    title: 'Someone undeclared may alter the cluster',
    why: 'Rules, brokers’ settings or partitions could be changed, and with them everything else.',
  },
  'acl-denied': {
    severity: 'warning',
    title: 'A rule denies a declared principal a right of its role',
    why: 'Its publisher, sealer, verifier, inspector or replayer is refused by the brokers.',
  },
  'quota-unseen': {
    severity: 'warning',
    title: 'The quotas cannot be seen',
    why: 'Whether one publisher can starve the others is unknown.',
  },
  'quota-absent': {
    severity: 'warning',
    title: 'A publisher has no quota',
    why: 'One service gone wild can fill the disks of a ledger that never deletes.',
  },
  'quota-differs': {
    severity: 'warning',
    title: 'A publisher’s quota is not the declared one',
    why: 'One service gone wild can fill the disks of a ledger that never deletes.',
  },
  'configuration-unrecorded': {
    severity: 'warning',
    title: 'The configuration is not recorded in the ledger',
    why: 'The history of the configuration is sealed with everything else only if it is appended.',
  },
  'configuration-unseen': {
    severity: 'error',
    title: 'The last recorded configuration cannot be read',
    why: 'What was declared before, and is declared no longer, is unknown.',
  },
  'waiver-expired': {
    severity: 'error',
    title: 'A waiver has expired',
    why: 'What it allowed is allowed no longer: either it is mended, or someone decides anew.',
  },
} as const satisfies Readonly<Record<string, Entry>>;
