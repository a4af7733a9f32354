/** Tags: texts without commas, compared without regard to case. */

/** What an input with tags contains, each tag once. The server decides which are too long or too many. */
export function tagsOf(text: string): string[] {
  return unique(text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""));
}

/** Each tag once, as it is spelled first. */
export function unique(tags: string[]): string[] {
  const seen = new Set<string>();
  return tags.filter((tag) => seen.size < seen.add(fold(tag)).size);
}

export function hasTag(tags: string[], wanted: string): boolean {
  return tags.some((tag) => fold(tag) === fold(wanted));
}

/** The same for nearly all tags that are the same to the server. */
const fold = (tag: string) => tag.normalize().toUpperCase();
