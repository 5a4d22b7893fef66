import { RequestMethod } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { permissionOf } from '../auth/requires.js';

interface Route {
  readonly method: string;
  readonly segments: readonly string[];
}

/** Every route of the API, for 405 with `Allow` and for the check that each declares its permission. */
export class RouteTable {
  private readonly routes: Route[] = [];

  add(method: string, path: string): void {
    this.routes.push({ method, segments: path.split('/').filter(Boolean) });
  }

  /** Methods that some route takes at this path; empty when no route matches. */
  methodsAt(path: string): string[] {
    const segments = path.split('/').filter(Boolean);
    const methods = this.routes.filter((route) => matches(route.segments, segments)).map(({ method }) => method);
    if (methods.includes('GET')) methods.push('HEAD');
    return [...new Set(methods)].sort();
  }

  /** Reads the routes of every controller. Throws when one declares no permission: denied by default, found at boot. */
  collect(modules: ModulesContainer): void {
    const undeclared: string[] = [];
    for (const module of modules.values())
      for (const { metatype } of module.controllers.values()) {
        if (typeof metatype !== 'function') continue;
        const prototype = metatype.prototype as Record<string, unknown>;
        for (const name of Object.getOwnPropertyNames(prototype)) {
          const handler = prototype[name];
          const method = typeof handler === 'function' && name !== 'constructor' ? (Reflect.getMetadata('method', handler) as RequestMethod | undefined) : undefined;
          if (method === undefined) continue;
          const verb = RequestMethod[method] as string;
          for (const prefix of pathsOf(metatype))
            for (const path of pathsOf(handler as object)) {
              this.add(verb, `${prefix}/${path}`);
              if (!permissionOf(handler as object)) undeclared.push(`${verb} ${prefix}/${path} (${metatype.name}.${name})`);
            }
        }
      }
    if (undeclared.length > 0) throw new Error(`Expected every route to declare its permission with @Requires or @Public, but these do not:\n  ${undeclared.join('\n  ')}`);
  }
}

const pathsOf = (target: object): string[] => {
  const path = (Reflect.getMetadata('path', target) ?? '') as string | string[];
  return (Array.isArray(path) ? path : [path]).map((one) => one.replace(/^\/|\/$/g, ''));
};

const matches = (route: readonly string[], path: readonly string[]): boolean =>
  route.length === path.length && route.every((segment, at) => segment.startsWith(':') || segment === path[at]);
