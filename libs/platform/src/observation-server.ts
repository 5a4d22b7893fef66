import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Address } from './config.js';
import type { HealthRegistry } from './health.js';

/** `/health/live`, `/health/ready` and `/metrics` of a service that has no public port. */
export class ObservationServer {
  private readonly server = createServer((request, response) => {
    this.answer(request.url ?? '').then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body),
      (error) => response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error)),
    );
  });

  constructor(
    private readonly health: HealthRegistry,
    private readonly metrics: Registry,
  ) {}

  /** Resolves with the address it listens on. */
  async listen({ host, port }: Address): Promise<Address> {
    await new Promise<void>((resolve, reject) => this.server.once('error', reject).listen(port, host, resolve));
    return { host, port: (this.server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(url: string): Promise<{ status: number; type: string; body: string }> {
    const path = url.split('?')[0];
    if (path === '/metrics') return { status: 200, type: this.metrics.contentType, body: await this.metrics.metrics() };
    if (path !== '/health/live' && path !== '/health/ready') return { status: 404, type: 'text/plain', body: 'not found\n' };
    const report = await this.health.report(path === '/health/live' ? 'live' : 'ready');
    return { status: report.status === 'up' ? 200 : 503, type: 'application/json', body: JSON.stringify(report) };
  }
}
