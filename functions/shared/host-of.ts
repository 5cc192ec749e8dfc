/** What people call a cache: the host of its URL. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url
}
