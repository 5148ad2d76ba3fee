import Pagination from '@cloudscape-design/components/pagination';

interface Props {
  page: number;
  pages: number;
  /** Told apart from the other pager of the same list. */
  label: string;
  onPage: (page: number) => void;
}

/** The pager of the list, which stands above and below it; nothing where there is one page. */
export function Pages({ page, pages, label, onPage }: Props) {
  if (pages === 1) {
    return null;
  }
  return (
    <Pagination
      currentPageIndex={page}
      pagesCount={pages}
      ariaLabels={{
        paginationLabel: label,
        nextPageLabel: 'Next page',
        previousPageLabel: 'Previous page',
        pageLabel: (number) => `Page ${number}`,
      }}
      onChange={({ detail }) => onPage(detail.currentPageIndex)}
    />
  );
}
