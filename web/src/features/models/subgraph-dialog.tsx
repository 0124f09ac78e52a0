import { useQuery } from '@tanstack/react-query';
import { Breadcrumb, Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { Ready } from '../../components/states';
import { titleOf } from '../../lib/format';
import { isNarrow } from '../../lib/narrow';
import { modelLiveQuery, modelQuery, type ModelDetail } from './api';
import { GraphView } from './graph-view';
import { NodeTable } from './node-table';

interface Props {
  model: ModelDetail;
  /** Nodes, separated by `/`; null while nothing is open. */
  inside: string | null;
  onGo: (inside: string | null) => void;
}

/** The way from the model to what is shown, each step of it a way back. */
function Steps({ inside, onGo, code }: { inside: string; onGo: Props['onGo']; code: string }) {
  const steps = inside.split('/');
  const items = steps.map((step, n) => {
    const here = steps.slice(0, n + 1).join('/');
    return { title: n === steps.length - 1 ? step : <button type="button" className="hw-plain" onClick={() => onGo(here)}>{step}</button> };
  });
  return <Breadcrumb items={[{ title: <button type="button" className="hw-plain" onClick={() => onGo(null)}>{code}</button> }, ...items]} />;
}

function Inside({ model, inside, onGo }: { model: ModelDetail; inside: string; onGo: Props['onGo'] }) {
  const found = useQuery(modelQuery(model.id, inside));
  const { data: live, error } = useQuery(modelLiveQuery(model.id, inside));
  const onOpen = (id: string) => onGo(`${inside}/${id}`);
  const shown = error ? undefined : live;
  return (
    <Ready query={found} rows={10}>
      {(data) => (
        <div className="hw-subgraph" data-testid="subgraph" data-inside={inside}>
          <Steps inside={inside} onGo={onGo} code={model.code} />
          <h3>{titleOf(data.title)} <span className="hw-code">{data.template}</span></h3>
          {isNarrow() ? <NodeTable model={data} live={shown} onOpen={onOpen} /> : <GraphView key={inside} model={data} live={shown} onOpen={onOpen} />}
        </div>
      )}
    </Ready>
  );
}

/** The graph of a template that stands in a model as a block, as it computes there. */
export function SubgraphDialog({ model, inside, onGo }: Props) {
  const { t } = useTranslation('models');
  return (
    <Modal
      open={inside !== null} onCancel={() => onGo(null)} footer={null} width="min(1500px, 96vw)" centered destroyOnHidden
      title={t('models:subgraph.title')}
    >
      {inside ? <Inside model={model} inside={inside} onGo={onGo} /> : null}
    </Modal>
  );
}
