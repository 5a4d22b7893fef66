import { Catalog1700000000001 } from './0001-catalog.js';
import { Executions1700000000002 } from './0002-executions.js';
import { Engine1700000000003 } from './0003-engine.js';
import { Scheduler1700000000004 } from './0004-scheduler.js';
import { Gates1700000000005 } from './0005-gates.js';
import { Generations1700000000006 } from './0006-generations.js';
import { Successions1700000000007 } from './0007-successions.js';
import { Queues1700000000008 } from './0008-queues.js';
import { BodyReferences1700000000009 } from './0009-body-references.js';
import { RowLevelSecurity1700000000010 } from './0010-row-level-security.js';
import { People1700000000011 } from './0011-people.js';
import { Frames1700000000012 } from './0012-frames.js';
import { Agents1700000000013 } from './0013-agents.js';
import { UsageOfModels1700000000014 } from './0014-usage-of-models.js';
import { Sessions1700000000015 } from './0015-sessions.js';
import { Budgets1700000000016 } from './0016-budgets.js';
import { NoIdleStatistics1700000000017 } from './0017-no-idle-statistics.js';
import { LogLines1700000000018 } from './0018-log-lines.js';
import { EventsTogether1700000000019 } from './0019-events-together.js';

/** In the order in which they run. A released migration never changes: a change is a new one. */
export const migrations = [
  Catalog1700000000001,
  Executions1700000000002,
  Engine1700000000003,
  Scheduler1700000000004,
  Gates1700000000005,
  Generations1700000000006,
  Successions1700000000007,
  Queues1700000000008,
  BodyReferences1700000000009,
  RowLevelSecurity1700000000010,
  People1700000000011,
  Frames1700000000012,
  Agents1700000000013,
  UsageOfModels1700000000014,
  Sessions1700000000015,
  Budgets1700000000016,
  NoIdleStatistics1700000000017,
  LogLines1700000000018,
  EventsTogether1700000000019,
] as const;
