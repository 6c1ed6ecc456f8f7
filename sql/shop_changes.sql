-- What happens in the sample shop, over and over: one statement, one row. (After sql/shop.sql.)
INSERT INTO public.orders (customer_id, product_id, quantity)
SELECT c.id, p.id, 1 + (pg_catalog.random() * 3)::integer
FROM public.customers c, public.products p ORDER BY pg_catalog.random() LIMIT 1;

UPDATE public.products SET stock = stock - 1
WHERE id = (SELECT id FROM public.products WHERE stock > 0 ORDER BY pg_catalog.random() LIMIT 1);

UPDATE public.orders SET status = 'paid'
WHERE id = (SELECT id FROM public.orders WHERE status = 'new' ORDER BY id LIMIT 1);

INSERT INTO public.orders (customer_id, product_id, quantity)
SELECT c.id, p.id, 1
FROM public.customers c, public.products p ORDER BY pg_catalog.random() LIMIT 1;

UPDATE public.orders SET status = 'shipped'
WHERE id = (SELECT id FROM public.orders WHERE status = 'paid' ORDER BY id LIMIT 1);

UPDATE public.products SET price = price + (pg_catalog.random() - 0.4)::numeric(8, 2)
WHERE id = (SELECT id FROM public.products ORDER BY pg_catalog.random() LIMIT 1);

UPDATE public.customers SET city = (ARRAY['London', 'Portland', 'New York', 'Vienna', 'Seattle', 'Kyoto'])[1 + (pg_catalog.random() * 5)::integer]
WHERE id = (SELECT id FROM public.customers ORDER BY pg_catalog.random() LIMIT 1);

DELETE FROM public.orders
WHERE id = (SELECT id FROM public.orders WHERE status = 'shipped' ORDER BY id LIMIT 1);

UPDATE public.products SET stock = stock + 20
WHERE id = (SELECT id FROM public.products ORDER BY stock LIMIT 1);
