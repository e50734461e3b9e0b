export const dynamic = 'force-dynamic';

export default function Page() {
  return <h1>Release {process.env.RELEASE}</h1>;
}
