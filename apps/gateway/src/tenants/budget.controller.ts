import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { BudgetResource } from '@runlog/contract';
import { nanoUsd } from '@runlog/execution';
import { Catalog, type WorkspaceBudget } from '@runlog/read-model';
import { actorOf, Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { utc } from '../executions/execution-times.js';
import { usd } from '../executions/money.js';
import { Answer } from '../http/answer.js';
import { Problem, unknown } from '../http/problem.js';
import { Answers, Problems } from '../http/responses.js';
import { slugRef } from '../ids.js';
import { BudgetBody } from './budget.dto.js';

/** A budget holds for all models of the workspace together: a key of one pod neither sees nor sets it. */
@ApiTags('workspaces')
@Controller('api/v1/workspaces/:workspace_id/budget')
export class BudgetController {
  constructor(private readonly catalog: Catalog) {}

  @Put()
  @Requires('workspaces:write')
  @ApiOperation({ operationId: 'putWorkspaceBudget', summary: 'Set what the models of the workspace may cost; effective for every call that has not begun' })
  @Answers(200, 'Budget', 'Changed')
  @Answers(201, 'Budget', 'Set for the first time')
  @Problems(404, 413, 415, 422)
  async put(@Caller() who: Principal, @Param('workspace_id') ref: string, @Body() { budget_usd, period = 'total' }: BudgetBody): Promise<Answer> {
    await this.checkOwn(who, ref);
    const created = await this.catalog.putBudget({ workspaceId: who.workspaceId, budgetNanoUsd: nanoUsd(budget_usd), period, by: actorOf(who), at: Date.now() });
    return new Answer(created ? 201 : 200, await this.standing(who));
  }

  @Get()
  @Requires('workspaces:read')
  @ApiOperation({ operationId: 'getWorkspaceBudget', summary: 'The budget of the workspace, what is spent of it and what is set aside for calls under way' })
  @Answers(200, 'Budget')
  @Problems(404)
  async get(@Caller() who: Principal, @Param('workspace_id') ref: string): Promise<BudgetResource> {
    await this.checkOwn(who, ref);
    return this.standing(who);
  }

  @Delete()
  @Requires('workspaces:write')
  @ApiOperation({ operationId: 'deleteWorkspaceBudget', summary: 'Models of the workspace may cost anything again' })
  @ApiResponse({ status: 204, description: 'Gone' })
  @Problems(404)
  async remove(@Caller() who: Principal, @Param('workspace_id') ref: string): Promise<Answer> {
    await this.checkOwn(who, ref);
    if (!(await this.catalog.removeBudget(who.workspaceId))) throw none(who);
    return new Answer(204);
  }

  private async checkOwn(who: Principal, ref: string): Promise<void> {
    const own = await this.catalog.workspace(who.workspaceId);
    const named = slugRef(ref);
    if (!own || named === null || ![own.slug, own.id].includes(named)) throw unknown('workspace', ref);
    checkWholeWorkspace(who, 'for its budget');
  }

  private async standing(who: Principal): Promise<BudgetResource> {
    const budget = await this.catalog.budget(who.workspaceId, Date.now());
    if (!budget) throw none(who);
    return budgetResource(who.workspaceId, budget);
  }
}

const none = ({ workspaceId }: Principal): Problem =>
  new Problem('unknown', 'budget_not_found', `Expected a budget of workspace '${workspaceId}', but it has none: set one with PUT and {"budget_usd": 25, "period": "month"}`);

const budgetResource = (workspace_id: string, { budgetNanoUsd, period, spentNanoUsd, reservedNanoUsd, updatedAt, updatedBy }: WorkspaceBudget): BudgetResource => {
  const left = BigInt(budgetNanoUsd) - BigInt(spentNanoUsd) - BigInt(reservedNanoUsd);
  return {
    object: 'budget',
    workspace_id,
    budget_usd: usd(budgetNanoUsd),
    period,
    spent_usd: usd(spentNanoUsd),
    reserved_usd: usd(reservedNanoUsd),
    left_usd: left > 0n ? usd(String(left)) : 0,
    updated_at: utc(updatedAt),
    updated_by: updatedBy,
  };
};
