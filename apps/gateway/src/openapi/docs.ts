import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { RouteTable } from '../http/route-table.js';
import { schemas } from './schemas.js';

const description = 'Executions: single runs of workflows, as facts on a log. Every failure is application/problem+json.';

/** `/openapi.json` and `/docs`, made on first use; every asset comes from this server. */
export const serveDocs = (app: NestExpressApplication, routes: RouteTable): void => {
  let document: OpenAPIObject | undefined;
  const make = () => (document ??= documentOf(app));
  SwaggerModule.setup('docs', app, make, { jsonDocumentUrl: 'openapi.json', raw: ['json'], customSiteTitle: 'Runlog API' });
  for (const path of ['openapi.json', 'docs', 'docs/index.html', 'docs/swagger-ui-init.js']) routes.add('GET', path);
};

/** The OpenAPI 3.1 document of the routes that the application has. */
export const documentOf = (app: NestExpressApplication): OpenAPIObject => {
  const config = new DocumentBuilder()
    .setTitle('Runlog')
    .setDescription(description)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'bearer')
    .addServer('/')
    .build();
  const document = SwaggerModule.createDocument(app, config, { autoTagControllers: false });
  amend(document);
  document.components = { ...document.components, schemas: { ...document.components?.schemas, ...schemas } };
  return document;
};

/** What decorators can't say: members that are any JSON, maps in a query, answers that are a stream. */
const amend = (document: OpenAPIObject): void => {
  const bodies = (document.components?.schemas ?? {}) as Record<string, { properties?: Record<string, { description?: string }> }>;
  for (const { properties } of Object.values(bodies))
    for (const name of ['input', 'answer']) if (properties?.[name]) properties[name] = { description: properties[name].description ?? name };
  for (const item of Object.values(document.paths)) {
    const { get } = item;
    for (const parameter of get?.parameters ?? []) if ('name' in parameter && parameter.name === 'metadata') Object.assign(parameter, { style: 'deepObject', explode: true });
    if (get?.operationId === 'listEvents' || get?.operationId === 'listLogs') {
      const answer = get.responses['200'];
      if (answer && 'content' in answer)
        Object.assign(
          answer.content ?? {},
          { 'text/event-stream': { schema: { type: 'string' } } },
          get.operationId === 'listLogs' ? { 'application/x-ndjson': { schema: { type: 'string' } } } : {},
        );
    }
  }
};
