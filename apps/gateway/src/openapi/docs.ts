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
  document.components = { ...document.components, schemas: { ...document.components?.schemas, ...schemas } };
  return document;
};
