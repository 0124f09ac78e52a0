/** What experts say of every condition of the templates in use. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { get } from '../../lib/http';
import { titleOf } from '../../lib/format';
import type { Guidance, Page, Priority, Title } from '../../lib/types';

export interface KnowledgeItem {
  template: string;
  template_title: Title;
  condition: string;
  title: Title;
  priority: Priority;
  guidance: Guidance;
  /** How many models of the plant use the template. */
  models: number;
}

export interface KnowledgeGroup {
  template: string;
  title: Title;
  models: number;
  items: KnowledgeItem[];
}

export type GuidancePart = 'symptoms' | 'causes' | 'actions';

const LONG = 5 * 60_000;
const PARTS: GuidancePart[] = ['symptoms', 'causes', 'actions'];

export const knowledgeQuery = (q: string) =>
  queryOptions({
    queryKey: ['knowledge', q], staleTime: LONG, placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await get<Page<KnowledgeItem>>(`knowledge${q ? `?q=${encodeURIComponent(q)}` : ''}`, signal)).items,
  });

export const keyOf = (item: KnowledgeItem): string => `${item.template}/${item.condition}`;

/** Items by template, in the order the server gives them; the most urgent of a template first. */
export function groupsOf(items: KnowledgeItem[]): KnowledgeGroup[] {
  return [...Map.groupBy(items, (item) => item.template)].flatMap(([template, inside]) => {
    const [first] = inside;
    return first ? [{ template, title: first.template_title, models: first.models, items: inside.toSorted((a, b) => a.priority - b.priority) }] : [];
  });
}

const says = (title: Title, words: string[]): boolean => words.some((word) => `${title.zh} ${title.en}`.toLowerCase().includes(word));

/** The line of the guidance for which an item was found, where its headings do not show it already. */
export function foundIn(item: KnowledgeItem, q: string): { part: GuidancePart; text: string } | null {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length || [item.title, item.template_title, item.guidance.mode].some((title) => says(title, words))) return null;
  for (const part of PARTS) {
    const line = item.guidance[part].find((title) => says(title, words));
    if (line) return { part, text: titleOf(line) };
  }
  return null;
}
