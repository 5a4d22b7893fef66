import { describe, expect, it } from '@jest/globals';
import { shownUrl, urlProblem, urlTemplateProblem } from './url-problem.js';

describe('a URL of a definition', () => {
  it.each(['http://x', 'https://api.test:8443/a@b?c=@#@', 'HTTP://[::1]/'])('may be %s', (url) => {
    expect(urlProblem(url, 'auth')).toBeUndefined();
    expect(urlTemplateProblem(url, 'auth')).toBeUndefined();
  });

  it.each(['{{ input.url }}', '{{ input.base }}/users/@me', 'http://{{ input.host }}:80/@{{ input.id }}', 'https://{{ input.picture }}@2x.png', 'http://x/?{{ "://a:b@c" }}'])(
    'may be the template %s',
    (url) => expect(urlTemplateProblem(url, 'auth')).toBeUndefined(),
  );

  it.each(['https://me:hunter2@api.test/', 'http://hunter2@x', 'http://:hunter2@x', 'http:\t//me:hunter2@x', 'http://a@b:hunter2@x'])(
    'refuses the user and password of %s, without a word of them',
    (url) => {
      expect(urlProblem(url, 'auth')).toMatch(/^Expected a URL without a user and password, .* name a secret in 'auth'$/);
    },
  );

  it.each(['http://me:hunter2@{{ input.host }}/', '{{ input.scheme }}://me:hunter2@x', 'https://me:hunter2@x/{{ input.id }}'])(
    'refuses those that stand in the template %s',
    (url) => {
      expect(urlTemplateProblem(url, 'auth')).toContain("name a secret in 'auth'");
    },
  );

  it.each(['ftp://me:hunter2@x', 'me:hunter2@x', 'http://me:hunter2@x:99999', 'http://me:hunt/er2@x:99999', 'http:me:hunter2@x y'])(
    'does not repeat the password of %s, which is no URL to be used',
    (url) => {
      for (const problem of [urlProblem(url, 'auth'), urlTemplateProblem(url, 'auth')]) {
        expect(problem).toMatch(/^Expected a URL.*, but got '.*\*\*\*@x/);
        expect(problem).not.toMatch(/hunt|er2/);
      }
    },
  );

  it('is shown as far as it may be', () => {
    expect(shownUrl('http://x/y')).toBe('http://x/y');
    expect(shownUrl('http://me:hunter2@x/y')).toBe('http://***@x/y');
    expect(shownUrl('x'.repeat(200))).toHaveLength(100);
  });
});
