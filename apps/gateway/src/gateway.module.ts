import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type InjectionToken,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { priceList } from '@runlog/cost';
import { Catalog, SecretBox } from '@runlog/read-model';
import { ApprovalsController } from './approvals/approvals.controller.js';
import { Inbox } from './approvals/inbox.js';
import { ApiKeysController } from './auth/api-keys.controller.js';
import { KeyGuard } from './auth/key.guard.js';
import { KeyRing } from './auth/key-ring.js';
import { RateLimit } from './auth/rate-limit.js';
import { AgentsController } from './definitions/agents.controller.js';
import { Agents } from './definitions/agents.js';
import { Definitions } from './definitions/definitions.js';
import { SecretsController } from './definitions/secrets.controller.js';
import { WorkflowsController } from './definitions/workflows.controller.js';
import { KineticController } from './dialects/kinetic/kinetic.controller.js';
import { PodsController } from './dialects/pods/pods.controller.js';
import { WorkerRunsController } from './dialects/worker-runs/worker-runs.controller.js';
import { AgentExecutionsController } from './executions/agent-executions.controller.js';
import { ArtifactsController } from './executions/artifacts.controller.js';
import { Artifacts } from './executions/artifacts.js';
import { Awaiting } from './executions/awaiting.js';
import { BatchesController } from './executions/batches.controller.js';
import { Batches } from './executions/batches.js';
import { Creates } from './executions/creates.js';
import { ExecutionReader } from './executions/execution-reader.js';
import { ExecutionsController } from './executions/executions.controller.js';
import { FollowOns } from './executions/follow-ons.js';
import { Gets } from './executions/gets.js';
import { Histories } from './executions/histories.js';
import { HistoryController } from './executions/history.controller.js';
import { Lists } from './executions/lists.js';
import { LogAnswers } from './executions/log-answers.js';
import { PinnedWorkflows } from './executions/pinned-workflows.js';
import { Links } from './executions/presentation.js';
import { Presenter } from './executions/presenter.js';
import { Replays } from './executions/replays.js';
import { Retries } from './executions/retries.js';
import { Traces } from './executions/traces.js';
import { TreeController } from './executions/tree.controller.js';
import { Trees } from './executions/trees.js';
import { Verbs } from './executions/verbs.js';
import { type GatewayDeps, GatewayService } from './gateway.service.js';
import { BodyLimit } from './http/json-body.js';
import { ProblemFilter } from './http/problem.filter.js';
import { RequestGuard } from './http/request.guard.js';
import { RouteTable } from './http/route-table.js';
import { Idempotency } from './idempotency.js';
import { Observed, OperationsController } from './operations/operations.controller.js';
import { AuditController } from './people/audit.controller.js';
import { AuditTrail } from './people/audit-trail.js';
import { UsersController } from './people/users.controller.js';
import { QueuesController } from './queues/queues.controller.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { Sessions } from './sessions/sessions.js';
import { BudgetController } from './tenants/budget.controller.js';
import { WorkspacesController } from './tenants/workspaces.controller.js';
import { UsageController } from './usage/usage.controller.js';
import { Used } from './usage/used.js';

const value = (provide: InjectionToken, useValue: unknown): Provider => ({ provide, useValue });

/** The public edge as a module of whichever process it runs in. Open its application with `openGateway`. */
@Module({})
export class GatewayModule {
  static register(deps: GatewayDeps): DynamicModule {
    return GatewayModule.of(new GatewayService(deps));
  }

  static of(service: GatewayService): DynamicModule {
    class Lifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
      onApplicationBootstrap(): Promise<void> {
        return service.start();
      }
      beforeApplicationShutdown(): void {
        service.drain();
      }
      onApplicationShutdown(): Promise<void> {
        return service.stop();
      }
    }
    return {
      module: GatewayModule,
      controllers: [
        OperationsController,
        BatchesController,
        ExecutionsController,
        HistoryController,
        ArtifactsController,
        ApprovalsController,
        WorkflowsController,
        AgentsController,
        AgentExecutionsController,
        SessionsController,
        QueuesController,
        SecretsController,
        ApiKeysController,
        WorkspacesController,
        BudgetController,
        TreeController,
        UsersController,
        AuditController,
        UsageController,
        KineticController,
        PodsController,
        WorkerRunsController,
      ],
      providers: [{ provide: Lifecycle, useFactory: () => new Lifecycle() }, ...partsOf(service)],
      exports: [GatewayService],
    };
  }
}

const partsOf = (service: GatewayService): Provider[] => {
  const { log, reads, catalog, artifacts, sealing, config, logger, health, metrics } = service.deps;
  const { tail, commands, bodies, keys, streams, frames, runners, stopping } = service;
  const workflows = new PinnedWorkflows(catalog);
  const prices = priceList(config.prices);
  const reader = new ExecutionReader(log, reads);
  const idempotency = new Idempotency(catalog, sealing, bodies);
  const awaiting = new Awaiting(tail, reader, stopping);
  const links = new Links(config.publicUrl);
  const presenter = new Presenter(reads, workflows, bodies);
  const followOns = new FollowOns(awaiting, presenter);
  const histories = new Histories(reads, reader, bodies, workflows, presenter, tail, frames, streams, runners, catalog);
  const routes = new RouteTable();
  const audit = new AuditTrail(catalog, logger);
  return [
    value(GatewayService, service),
    value(Catalog, catalog),
    value(KeyRing, keys),
    value(SecretBox, sealing),
    value(Links, links),
    value(Observed, new Observed(health, metrics)),
    value(RouteTable, routes),
    value(Artifacts, new Artifacts(reader, artifacts)),
    value(Gets, new Gets(reader, presenter, links)),
    value(ExecutionReader, reader),
    value(Idempotency, idempotency),
    value(Definitions, new Definitions(catalog, workflows, prices)),
    value(Agents, new Agents(catalog, workflows, prices)),
    value(Creates, new Creates(catalog, workflows, commands, tail, awaiting, presenter, idempotency, stopping)),
    value(Retries, new Retries(catalog, workflows, commands, reader, awaiting, followOns, idempotency)),
    value(Replays, new Replays(catalog, workflows, commands, reads, reader, bodies, followOns, idempotency)),
    value(Verbs, new Verbs(commands, reader, presenter, idempotency)),
    value(Sessions, new Sessions(reads, catalog, bodies)),
    value(Inbox, new Inbox(reads, catalog)),
    value(Used, new Used(reads, catalog)),
    value(Trees, new Trees(reads, reader)),
    value(Batches, new Batches(catalog, workflows, commands, idempotency)),
    value(Lists, new Lists(reads, catalog, presenter)),
    value(Histories, histories),
    value(Traces, new Traces(reads, reader, workflows, config.traces)),
    value(LogAnswers, new LogAnswers(histories, links)),
    value(APP_FILTER, new ProblemFilter(routes, logger, keys)),
    value(APP_GUARD, new KeyGuard(keys, new RateLimit(config.rateLimit), audit)),
    value(APP_GUARD, new RequestGuard(new BodyLimit(config.bodyLimitBytes), audit)),
  ];
};
