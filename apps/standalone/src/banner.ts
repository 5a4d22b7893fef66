export interface BannerFacts {
  readonly url: string;
  readonly adminKey: string;
  readonly home: string;
  readonly seconds: number;
}

/** What `npm start` prints once it is ready: one address, one key, one line to paste. */
export const banner = ({ url, adminKey, home, seconds }: BannerFacts): string => `
Runlog is ready (${seconds.toFixed(1)} s). Everything runs in this process; data live in ${home}

  API   ${url}/api/v1
  docs  ${url}/docs
  key   ${adminKey}

  try   curl -s '${url}/api/v1/workflows/hello/executions?wait=10' -H 'Authorization: Bearer ${adminKey}' -H 'Content-Type: application/json' -d '{"input":{"name":"Ada"}}'

Ctrl-C stops it; the next start goes on where it was.
`;
