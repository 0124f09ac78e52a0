import antd from 'antd/es/locale/en_US';

const files = import.meta.glob<object>('../features/*/locale/en.json', { eager: true, import: 'default' });
const features = Object.fromEntries(Object.entries(files).map(([path, texts]) => [path.split('/')[2] ?? '', texts]));

export default { antd, features };
