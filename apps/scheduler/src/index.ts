export { SchedulerModule } from './scheduler.module.js';
export { type SchedulerDeps, SchedulerService } from './scheduler.service.js';
